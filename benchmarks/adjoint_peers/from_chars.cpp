// Numbers of a text by C++17's std::from_chars, for adjoint_sources.py: the least that reading costs.
#include <charconv>
#include <cstddef>
#include <system_error>

// Read up to `room` doubles of a text; how many there were, or -1 at what is no number.
extern "C" long read_numbers(const char* text, std::size_t size, double* numbers, long room) {
    const char* end = text + size;
    long count = 0;
    for (;;) {
        while (text < end && *text <= ' ') ++text;
        if (text == end) return count;
        if (count == room) return -1;
        auto read = std::from_chars(text, end, numbers[count]);
        if (read.ec != std::errc()) return -1;
        text = read.ptr;
        ++count;
    }
}
