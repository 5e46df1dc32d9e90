#pragma once
#include "../graph/builder.h"

#include <functional>

namespace lvm {

// Sets a value per channel, independent of the seed.
Init by_channel(const std::function<double(int64_t)>& value);

// Weight of the current position in its mixture with the previous one: (c / dim)^power + more, for channel c.
Init mix_init(int64_t dim, double power, double more = 0);

// Returns the last input of the previous call, which the slot holds, and stores the last input of x there; undefined at the
// start.
// Shapes: x [batch, time, dim] -> [batch, dim]
Tensor row_before(const Tensor& x, Pass& pass, size_t slot);

}  // namespace lvm
