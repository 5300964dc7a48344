import pieces

pieces.entered.set()
pieces.go_on.wait(60)
done = True
