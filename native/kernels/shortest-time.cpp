#include "shortest-time.h"

#include <algorithm>
#include <chrono>

namespace lvm {

double shortest_milliseconds(const std::function<void()>& work) {
  using clock = std::chrono::steady_clock;
  const auto elapsed = [](clock::time_point from) {
    return std::chrono::duration<double, std::milli>(clock::now() - from).count();
  };
  work();
  double best = 1e300;
  const auto begin = clock::now();
  for (int i = 0; i < 5 || (i < 20 && elapsed(begin) < 5); ++i) {
    const auto start = clock::now();
    work();
    best = std::min(best, elapsed(start));
  }
  return best;
}

}  // namespace lvm
