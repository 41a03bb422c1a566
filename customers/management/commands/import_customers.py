from customers.imports.command import ImportCommand
from customers.imports.service import import_customers


class Command(ImportCommand):
    help = "Import a store's guests from a CSV or XLSX file."
    bring_in = staticmethod(import_customers)
