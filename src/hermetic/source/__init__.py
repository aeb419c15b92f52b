"""What a project's files say, read without running any of its code.

``hermetic init``, ``db`` and whatever else works on a project ask here: which files it has and what their names stand
for (``sources``, ``modules``, ``symbols``, ``bindings``), where the project starts and ends and how it is imported
(``project``, ``roots``, ``configuration``, ``requirements``), its application, tables and migrations (``applications``,
``schema``, ``migrations``), the variables that it reads and what they are (``environ``,
``settings_classes``, ``variable_values``, ``required_variables``), what its engines are given (``engines``,
``dataflow``), and its suite (``suite_modules``, ``fixtures``, ``runner``).

Nothing here writes, and nothing is imported of the project: it runs where that would connect to a production database.
Syntax trees keep their positions, so that whoever finds something can name its line.
"""
