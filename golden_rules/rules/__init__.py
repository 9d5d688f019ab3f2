"""The rules, one folder for each family and one class for each rule."""
