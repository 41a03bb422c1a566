from customers.imports.command import ImportCommand
from customers.imports.service import import_visits


class Command(ImportCommand):
    help = "Import a store's bills from a CSV or XLSX file."
    bring_in = staticmethod(import_visits)
