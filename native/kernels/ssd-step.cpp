#include "ssd-step.h"

#include "../parallel.h"
#include "vector-math.h"

namespace lvm {
namespace {

struct Sizes {
  int64_t width, state;
};

// One head of one row: S ← keep S + dt x bᵀ and y = S c. Each element of `before` is read before that of `after` is written.
LVM_CLONES void step_head(Sizes size, float keep, float dt, const float* x, const float* b, const float* c, const float* before,
                          float* after, float* y) {
  for (int64_t p = 0; p < size.width; ++p, before += size.state, after += size.state) {
    const float scale = dt * x[p];
    LVM_INDEPENDENT
    for (int64_t j = 0; j < size.state; ++j) after[j] = keep * before[j] + scale * b[j];
    y[p] = dot(static_cast<const float*>(after), c, size.state);
  }
}

}  // namespace

bool is_single_step(const Tensor& x) {
  return x.size(1) == 1 && x.is_cpu() && x.scalar_type() == torch::kFloat32 && !(at::GradMode::is_enabled() && x.requires_grad());
}

SsdResult ssd_step(const Tensor& x, const Tensor& dt, const Tensor& log_decay, const Tensor& b, const Tensor& c,
                   const Tensor& start) {
  const auto batch = x.size(0), heads = x.size(2);
  const Sizes size{x.size(3), b.size(2)};
  const auto xs = x.contiguous(), dts = dt.contiguous(), keep = log_decay.exp().contiguous(), bs = b.contiguous(),
             cs = c.contiguous(), from = start.defined() ? start.contiguous() : Tensor();
  const auto y = torch::empty(x.sizes(), x.options());
  // Without a start the new state is read as zeros, in place.
  const std::vector<int64_t> shape{batch, heads, size.width, size.state};
  const auto state = start.defined() ? torch::empty(shape, x.options()) : torch::zeros(shape, x.options());
  const auto each = size.width * size.state;
  auto* after = state.mutable_data_ptr<float>();
  auto* out = y.mutable_data_ptr<float>();
  const auto *before = start.defined() ? from.const_data_ptr<float>() : after, *values = xs.const_data_ptr<float>(),
             *times = dts.const_data_ptr<float>(), *keeps = keep.const_data_ptr<float>(), *in = bs.const_data_ptr<float>(),
             *query = cs.const_data_ptr<float>();
  parallel(batch * heads, std::max<int64_t>(1, 32768 / each), [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto row = i / heads * size.state;
      step_head(size, keeps[i], times[i], values + i * size.width, in + row, query + row, before + i * each, after + i * each,
                out + i * size.width);
    }
  });
  return {y, state};
}

}  // namespace lvm
