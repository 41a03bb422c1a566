"""The long relation: agreements with organisations, guests won back, what was said and is to be asked again, nine steps."""
