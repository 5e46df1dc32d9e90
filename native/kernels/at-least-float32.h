#pragma once
#include "../torch.h"

namespace lvm {

// float32, or float64 for float64. Norms, decays and sums use it for every dtype of products.
inline torch::Dtype wide(torch::Dtype type) { return type == torch::kFloat64 ? type : torch::kFloat32; }
inline torch::Tensor wide(const torch::Tensor& x) { return x.to(wide(x.scalar_type())); }

}  // namespace lvm
