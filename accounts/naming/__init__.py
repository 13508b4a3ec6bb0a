"""Login names (ACC-06): the naming rule of each organisation, free names, and names that are not given again."""
