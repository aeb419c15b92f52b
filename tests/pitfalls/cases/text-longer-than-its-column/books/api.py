from fastapi import FastAPI

from books import tables

api = FastAPI(title=tables.Shelf.__name__)
