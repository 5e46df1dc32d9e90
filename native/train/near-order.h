#pragma once
#include "../torch.h"

namespace lvm {

// A random order in which each `buffer` items are a few stretches of the data, shuffled: a disk reads those and not single rows.
torch::Tensor near_order(int64_t items, int64_t buffer, at::Generator& generator);

}  // namespace lvm
