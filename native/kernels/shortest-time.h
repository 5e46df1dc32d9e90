#pragma once
#include <functional>

namespace lvm {

// Milliseconds of the shortest of several runs, because other load on the machine only adds time.
double shortest_milliseconds(const std::function<void()>& work);

}  // namespace lvm
