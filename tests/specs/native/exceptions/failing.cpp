// The library that throws.
#include "failure.hpp"

#include <string>

namespace {
int living = 0;

struct Counted {
    std::string text = std::string(100, 'x');
    Counted() { ++living; }
    ~Counted() { --living; }
};
} // namespace

Failure::Failure(int number) : std::runtime_error("failure " + std::to_string(number)), number_(number) {}
Failure::~Failure() = default;
int Failure::number() const { return number_; }

__attribute__((noinline)) void fail(int number, int frames) {
    Counted counted;
    if (frames == 0)
        throw Failure(number);
    fail(number, frames - 1);
    asm volatile("" : : "r"(&counted) : "memory"); // no tail call
}

int alive() { return living; }
