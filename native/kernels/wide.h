#pragma once
#include "../torch.h"

namespace lvm {

// In float32, or float64 where it is that already: what norms, decays and sums are computed in, whatever products are taken in.
inline torch::Tensor wide(const torch::Tensor& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

}  // namespace lvm
