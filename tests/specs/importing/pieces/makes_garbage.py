"""Makes cycles for as long as it is imported."""


class Thing:
    alive = 0

    def __init__(self):
        self.itself = self
        Thing.alive += 1

    def __del__(self):
        Thing.alive -= 1


most = made = 0
for _ in range(200000):
    Thing()
    made += 1
    most = max(most, Thing.alive)
