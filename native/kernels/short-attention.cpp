#include "short-attention.h"

#include "../parallel.h"
#include "vector-math.h"

#include <algorithm>

namespace lvm {
namespace {

constexpr int64_t longest = 64;

// Rows of a head, and the distance between two of them.
template <typename F>
struct Rows {
  F* data;
  int64_t step;
  F* operator[](int64_t i) const { return data + i * step; }
};

struct Sizes {
  int64_t n, m, e, f;
  float scale;
  bool causal;
};

LVM_CLONES void attend_head(const Sizes& s, Rows<const float> q, Rows<const float> k, Rows<const float> v, Rows<float> out) {
  float weights[longest];
  for (int64_t i = 0; i < s.n; ++i) {
    const auto seen = s.causal ? s.m - s.n + i + 1 : s.m;
    float most = -INFINITY, total = 0;
    for (int64_t j = 0; j < seen; ++j) {
      weights[j] = dot(q[i], k[j], s.e) * s.scale;
      most = std::max(most, weights[j]);
    }
    for (int64_t j = 0; j < seen; ++j) total += weights[j] = exponential(weights[j] - most);
    auto* to = out[i];
    std::fill_n(to, s.f, 0.f);
    for (int64_t j = 0; j < seen; ++j) {
      const float weight = weights[j] / total;
      const auto* from = v[j];
      LVM_INDEPENDENT
      for (int64_t c = 0; c < s.f; ++c) to[c] += weight * from[c];
    }
  }
}

Rows<const float> rows_of(const Tensor& x, int64_t row, int64_t head) {
  return {x.const_data_ptr<float>() + row * x.stride(0) + head * x.stride(1), x.stride(2)};
}

}  // namespace

bool is_short_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto fits = [](const Tensor& x) { return x.is_cpu() && x.scalar_type() == torch::kFloat32 && x.stride(3) == 1; };
  return !at::GradMode::is_enabled() && k.size(2) <= longest && fits(q) && fits(k) && fits(v);
}

Tensor short_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal) {
  const auto batch = q.size(0), heads = q.size(1);
  const Sizes s{q.size(2), k.size(2), q.size(3), v.size(3), float(1 / std::sqrt(double(q.size(3)))), causal};
  const auto out = torch::empty({batch, s.n, heads, s.f}, q.options());
  auto* to = out.mutable_data_ptr<float>();
  const auto cost = s.n * s.m * (s.e + s.f);
  parallel(batch * heads, std::max<int64_t>(1, 65536 / cost), [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto row = i / heads, head = i % heads;
      attend_head(s, rows_of(q, row, head), rows_of(k, row, head), rows_of(v, row, head),
                  {to + (row * s.n * heads + head) * s.f, heads * s.f});
    }
  });
  return out.transpose(1, 2);
}

}  // namespace lvm
