#pragma once
#include "../torch.h"

namespace lvm {

// Converts to float32, or keeps float64. Norms, decays and sums are computed so, whatever the dtype of products.
inline torch::Tensor wide(const torch::Tensor& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

}  // namespace lvm
