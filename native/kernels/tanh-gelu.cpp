#include "tanh-gelu.h"

#include "../parallel.h"
#include "vector-math.h"

namespace lvm {
namespace {

LVM_CLONES void apply(int64_t n, const float* x, float* y) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i)
    y[i] = 0.5f * x[i] * (1 + hyperbolic_tangent(0.7978845608f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
}

}  // namespace

Tensor tanh_gelu(const Tensor& x) {
  if (at::GradMode::is_enabled() || !x.is_cpu() || x.scalar_type() != torch::kFloat32) return at::gelu(x, "tanh");
  const auto from = x.contiguous(), y = torch::empty_like(from);
  parallel(x.numel(), 16384, [&](int64_t begin, int64_t end) {
    apply(end - begin, from.const_data_ptr<float>() + begin, y.mutable_data_ptr<float>() + begin);
  });
  return y;
}

}  // namespace lvm
