

# In a program it tells where a user's packages would be, and looks at none of them.
if not __import__("_snapfreeze").runs_site:
    ENABLE_USER_SITE = False
    getusersitepackages()
