#include "softmax-attention.h"

#include "batch-part.h"
#include "multiply.h"
#include "seeded-dropout.h"
#include "short-attention.h"

namespace lvm {
namespace {

// Longest context whose scores are held at once.
constexpr int64_t short_context = 256;

// Queries per block: fewer for more keys.
int64_t block_of(int64_t keys) { return std::clamp<int64_t>(256 * 1024 / keys, 16, 256); }

// Query i is at position first + i, key j at position j.
Tensor probabilities(const Tensor& q, const Tensor& k, int64_t first, bool causal) {
  const auto n = q.size(2), m = k.size(2);
  auto scores = torch::matmul(q, k.transpose(-1, -2)) * (1 / std::sqrt(double(q.size(3))));
  if (causal && n > 1) {
    const auto hidden = torch::ones({n, m}, scores.options().dtype(torch::kBool)).triu(first + 1);
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
  }
  return scores.softmax(-1, scores.scalar_type() == torch::kBFloat16 ? std::optional(torch::kFloat32) : std::nullopt);
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Blocks final : torch::autograd::Function<Blocks> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double rate,
                        const Random& random) {
    ctx->save_for_backward({q, k, v});
    ctx->saved_data["causal"] = causal;
    ctx->saved_data["rate"] = rate;
    ctx->saved_data["random"] = std::vector<int64_t>{int64_t(random.seed), int64_t(random.step), int64_t(random.calls),
                                                     current_parts().contexts.from, current_parts().contexts.of};
    std::vector<Tensor> parts;
    each(q, k, causal, rate, random, [&](int64_t at, int64_t count, int64_t keys, const Tensor& p, const Tensor& mask) {
      parts.push_back(torch::matmul((mask.defined() ? p * mask : p).to(v.scalar_type()), v.narrow(2, 0, keys)));
    });
    return torch::cat(parts, 2);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &q = saved[0], &k = saved[1], &v = saved[2];
    const auto numbers = ctx->saved_data["random"].toIntVector();
    const Random random{uint64_t(numbers[0]), uint64_t(numbers[1]), uint64_t(numbers[2])};
    const WithParts shared({{numbers[3], numbers[4]}, {}});
    const auto scale = 1 / std::sqrt(double(q.size(3)));
    auto dk = torch::zeros_like(k), dv = torch::zeros_like(v);
    std::vector<Tensor> parts;
    each(q, k, ctx->saved_data["causal"].toBool(), ctx->saved_data["rate"].toDouble(), random,
         [&](int64_t at, int64_t count, int64_t keys, const Tensor& p, const Tensor& mask) {
           const auto dy = gradients[0].narrow(2, at, count).to(v.scalar_type());
           const auto kept = (mask.defined() ? p * mask : p).to(v.scalar_type());
           dv.narrow(2, 0, keys).add_(torch::matmul(kept.transpose(-1, -2), dy));
           auto dp = torch::matmul(dy, v.narrow(2, 0, keys).transpose(-1, -2)).to(p.scalar_type());
           if (mask.defined()) dp = dp * mask;
           const auto ds = (p * (dp - (dp * p).sum(-1, true)) * scale).to(q.scalar_type());
           parts.push_back(torch::matmul(ds, k.narrow(2, 0, keys)));
           dk.narrow(2, 0, keys).add_(torch::matmul(ds.transpose(-1, -2), q.narrow(2, at, count)));
         });
    return {torch::cat(parts, 2), dk, dv, Tensor(), Tensor(), Tensor()};
  }

  template <typename Use>
  static void each(const Tensor& q, const Tensor& k, bool causal, double rate, Random random, Use use) {
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const auto n = q.size(2), m = k.size(2), block = block_of(m);
    for (int64_t at = 0; at < n; at += block) {
      const auto count = std::min(block, n - at), keys = causal ? m - n + at + count : m;
      const auto p = probabilities(q.narrow(2, at, count), k.narrow(2, 0, keys), m - n + at, causal);
      random.calls += 1;
      use(at, count, keys, p, rate > 0 ? dropout_mask(p.sizes(), rate, random).to(p.scalar_type()) : Tensor());
    }
  }
};

}  // namespace

Tensor softmax_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double rate, Pass& pass) {
  const auto n = q.size(2), m = k.size(2);
  if (!(pass.training && rate > 0) && is_short_attention(q, k, v)) return short_attention(q, k, v, causal);
  if (!q.is_cpu() && n == m)
    return at::scaled_dot_product_attention(q, k, v, {}, pass.training ? rate : 0,
                                            causal);  // the trainer seeds the device's generator
  if (m <= short_context || n == 1 || !q.is_cpu())
    return torch::matmul(dropout(probabilities(q, k, m - n, causal), rate, pass).to(v.scalar_type()), v);
  const auto y = Blocks::apply(as_factor(q), as_factor(k), as_factor(v), causal, pass.training ? rate : 0, pass.random);
  if (pass.training && rate > 0) pass.random.calls += uint64_t((n + block_of(m) - 1) / block_of(m));
  return y;
}

}  // namespace lvm
