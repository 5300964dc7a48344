def main():
    print("asking")
