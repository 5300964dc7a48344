NAME = "beside __main__"
