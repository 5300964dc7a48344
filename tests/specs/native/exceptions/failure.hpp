// What the two libraries know of each other.
#pragma once
#include <stdexcept>

// The key function is in failing.cpp: the type's one description is in that library.
class Failure : public std::runtime_error {
public:
    explicit Failure(int number);
    ~Failure() override;
    virtual int number() const;

private:
    int number_;
};

// Throws a Failure from so many frames below, each with an object to be destroyed.
void fail(int number, int frames);

// How many of these objects are alive.
int alive();
