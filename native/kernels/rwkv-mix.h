#pragma once
#include "../graph/builder.h"

#include <functional>

namespace lvm {

// A value for every channel, whatever the seed.
Init by_channel(const std::function<double(int64_t)>& value);

// The share of the present position in the mixture with the one before: (c / dim)^power + more, for channel c.
Init mix_init(int64_t dim, double power, double more = 0);

// The last input of the call before, which the slot keeps; undefined at the start. The slot then keeps the last of x.
// Shapes: x [batch, time, dim] -> [batch, dim]
Tensor row_before(const Tensor& x, Pass& pass, size_t slot);

}  // namespace lvm
