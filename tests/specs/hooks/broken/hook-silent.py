hiddenimports = ["hidden_absolute"]
datas = [("../hooks/extra/one.txt", "../share")]
