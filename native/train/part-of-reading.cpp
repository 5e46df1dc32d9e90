#include "part-of-reading.h"

namespace lvm {

PartOfReading part_of(const Reading& whole, int64_t part, int64_t parts) {
  const auto contexts = whole.first.size(0), outputs = whole.windows.size(0);
  auto from = contexts * part / parts, to = contexts * (part + 1) / parts;
  const auto idle = from == to;
  if (idle) from = 0, to = 1;
  // The outputs of a context follow those of the context before it.
  const auto before = [&](int64_t context) {
    return whole.context.defined() ? (whole.context < context).sum().item<int64_t>() : context;
  };
  const auto first = before(from), count = before(to) - first;
  auto reading = whole;
  reading.which = whole.which.narrow(0, first, count);
  reading.windows = whole.windows.narrow(0, first, count);
  reading.first = whole.first.narrow(0, from, to - from);
  if (whole.length.defined()) reading.length = whole.length.narrow(0, from, to - from);
  if (whole.context.defined()) {
    reading.context = whole.context.narrow(0, first, count) - from;
    reading.position = whole.position.narrow(0, first, count);
  }
  return {reading, {{from, contexts}, {first, outputs}}, idle};
}

}  // namespace lvm
