from package.work import run

if __name__ == "__main__":
    run()
