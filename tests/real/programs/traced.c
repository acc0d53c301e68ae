// What debuggers and profilers are run on: a variable that is written at three times, and a loop
// that takes a while.
#include <stdio.h>
#include <stdlib.h>

static volatile long total;

static long __attribute__((noinline)) inner(long n) {
    total += n;
    return total;
}

static long __attribute__((noinline)) busy(long rounds) {
    volatile long sum = 0;
    for (long i = 0; i < rounds; i++)
        sum += i ^ (sum >> 3);
    return sum;
}

int main(int argc, char **argv) {
    for (long n = 1; n <= 3; n++)
        inner(n);
    if (argc > 1 && busy(atol(argv[1])) == 0)
        return 1;
    printf("%ld\n", total);
    return 0;
}
