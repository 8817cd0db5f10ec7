// Time DDASToys' serial GSL fitter on traces, as benchmarks/fit.py asks for it.
//
//     ddastoys SINGLES DOUBLES SAMPLES [RESULTS]
//
// SINGLES and DOUBLES are files of unsigned 16-bit samples without a header, SAMPLES a trace. The
// last line printed is a JSON object of fits a second. With RESULTS, a file of 18 float64 a trace
// is written, those of SINGLES first: the single fit's position, amplitude, steepness, decay,
// offset and status, then the double fit's two pulses, offset, status, iterations and a zero.
//
// Build it in a checkout of https://github.com/FRIBDAQ/DDASToys, with the GNU Scientific Library:
//
//     g++ -std=c++14 -O2 -I. -o ddastoys .../ddastoys_main.cpp lmfit_analytic.cpp \
//         functions_analytic.cpp SerialFitEngineAnalytic.cpp CFitEngine.cpp \
//         -lgsl -lgslcblas

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <gsl/gsl_errno.h>

#include "lmfit_analytic.h"

using ddastoys::fit1Info;
using ddastoys::fit2Info;

namespace {

using Trace = std::vector<std::uint16_t>;
const std::uint16_t saturation = 16383;

std::vector<Trace> read_traces(const std::string& path, std::size_t samples) {
    std::ifstream stream(path, std::ios::binary);
    std::vector<Trace> traces;
    Trace trace(samples);
    while (stream.read(reinterpret_cast<char*>(trace.data()), 2 * samples)) traces.push_back(trace);
    return traces;
}

template <typename Work>
double traces_per_second(std::size_t count, Work work) {
    const auto before = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - before;
    return count / taken.count();
}

double time_both(std::vector<Trace>& traces, std::pair<unsigned, unsigned> limits,
                 std::vector<double>& results) {
    return traces_per_second(traces.size(), [&] {
        for (auto& trace : traces) {
            fit1Info one;
            fit2Info two;
            ddastoys::analyticfit::lmfit1(&one, trace, limits, saturation);
            ddastoys::analyticfit::lmfit2(&two, trace, limits, &one, saturation);
            for (double value : {one.pulse.position, one.pulse.amplitude, one.pulse.steepness,
                                 one.pulse.decayTime, one.offset, double(one.fitStatus)})
                results.push_back(value);
            for (const auto& pulse : two.pulses)
                for (double value :
                     {pulse.position, pulse.amplitude, pulse.steepness, pulse.decayTime})
                    results.push_back(value);
            for (double value : {two.offset, double(two.fitStatus), double(two.iterations), 0.0})
                results.push_back(value);
        }
    });
}

}  // namespace

int main(int count, char** words) {
    if (count < 4) {
        std::cerr << "usage: ddastoys SINGLES DOUBLES SAMPLES [RESULTS]\n";
        return 2;
    }
    gsl_set_error_handler_off();
    const unsigned samples = std::atoi(words[3]);
    const std::pair<unsigned, unsigned> limits(0, samples - 1);
    auto singles = read_traces(words[1], samples);
    auto doubles = read_traces(words[2], samples);
    const double single = traces_per_second(singles.size(), [&] {
        for (auto& trace : singles) {
            fit1Info one;
            ddastoys::analyticfit::lmfit1(&one, trace, limits, saturation);
        }
    });
    std::vector<double> results;
    const double both_one = time_both(singles, limits, results);
    const double both_two = time_both(doubles, limits, results);
    if (count > 4) {
        std::ofstream stream(words[4], std::ios::binary);
        stream.write(reinterpret_cast<const char*>(results.data()), 8 * results.size());
    }
    std::printf(
        "{\"single_fits_per_s\": %.1f, \"both_fits_per_s_single_pulse\": %.1f, "
        "\"both_fits_per_s_double_pulse\": %.1f}\n",
        single, both_one, both_two);
    return 0;
}
