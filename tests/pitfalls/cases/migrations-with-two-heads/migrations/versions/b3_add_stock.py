import sqlalchemy as sa
from alembic import op

revision = "b3"
down_revision = "b1"


def upgrade():
    op.add_column("items", sa.Column("stock", sa.Integer))
