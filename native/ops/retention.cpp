// Multi-scale retention: linear attention with an exponential decay, different in every head.
//
//   q, k, v, g = W_q x, W_k x, W_v x, W_g x, by heads; q, k rotated (adjacent pairs, rates 10000^(−j/(e/2 − 1))); k = k / √e
//   A_ts = q_t · k_s γ^(t−s) / √n_t for s ≤ t,  n_t = Σ_{s≤t} γ^(t−s),  γ_h = 1 − 2^(−5−h)
//   o_t = Σ_s A_ts v_s / clamp(Σ_s |A_ts|, 1, 5e4), the divisor without gradient;  y = W_o (silu(g) · concat_heads(o / rms(o)))
//
// Short contexts compute all of A. Longer ones use chunks and carry the sum S_t = Σ γ^(t−s) k_sᵀ v_s, so memory is linear in
// time.
//
// shapes  [batch, time, dim] -> the same; q, k [dim, dim], v, g [value, dim], out [dim, value]
// state   S [batch, heads, e, value/heads]; Σ|A| cannot be computed from S, so a stepper omits the divisor, which only changes
// the eps of rms
// init    q, k, v, g xavier with gain 2^−2.5, out xavier with gain 1/2; no biases
// errors  BAD_SPEC when heads do not divide dim into pairs, or value
// source  Sun et al. 2023, arXiv:2307.08621; parity: retnet, retnet_gelu

#include "../kernels/at-least-float32.h"
#include "../kernels/multiply.h"
#include "../kernels/recompute.h"
#include "../kernels/retention-kernels.h"
#include "../kernels/root-mean-square.h"
#include "op-table.h"

#include <ATen/autocast_mode.h>

namespace lvm {
namespace {

// Longest context that computes all of A, positions per chunk, and longest context of the single-pass kernel.
constexpr int64_t short_context = 128, chunk = 128, shortest = 16;

// float32 constants, as in the reference, whatever the dtype of the model.
Tensor rates(int64_t half) {
  return (1.0 / torch::pow(10000.0, torch::linspace(0, 1, half, torch::kFloat32))).to(torch::kFloat64);
}
Tensor log_decays(int64_t heads) {
  return torch::log(1 - torch::exp2(-5 - torch::arange(heads, torch::kFloat32))).to(torch::kFloat64);
}

Tensor by_heads(const Tensor& x, int64_t heads) { return x.unflatten(-1, {heads, -1}).transpose(1, 2); }
// Shapes: o [batch, heads, n, e], g [batch, n, heads e]
Tensor gated(const Tensor& o, const Tensor& g, double eps) {
  return at::silu(g) * rms_norm(o, {}, eps).transpose(1, 2).flatten(2);
}
// Divisors of the rows of A.
// Shapes: scores [..., n, time] -> [..., n, 1]
Tensor divisor(const Tensor& scores) { return scores.abs().sum(-1, true).clamp(1, 5e4); }

// Computes all of A.
// Shapes: q [batch, heads, n, e], k, v [batch, heads, time, ·] -> [batch, heads, n, ev]
Tensor whole(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay) {
  const auto a = torch::matmul(q, k.transpose(-1, -2)) * retention_mask(log_decay, q.size(2), k.size(2), q.scalar_type());
  return torch::matmul(a / divisor(a.detach()), v);
}

// γ^n of every head, and √n_t.
// Shapes: n, t [count] -> [heads, count, 1]
Tensor faded(const Tensor& n, const Tensor& log_decay) { return (n * log_decay.view({-1, 1})).exp().unsqueeze(-1); }
Tensor root_norm(const Tensor& t, const Tensor& log_decay) {
  return (faded(t + 1, log_decay).neg().add(1) / log_decay.expm1().neg().view({-1, 1, 1})).sqrt();
}

// γ^age of the keys in a chunk and of up to `before` keys ahead of it.
// Shapes: -> [heads, size, before + size]
Tensor fading(const Tensor& log_decay, int64_t before, int64_t size, torch::Dtype dtype) {
  const auto position = torch::arange(-before, size, log_decay.options());
  const auto age = position.narrow(0, before, size).unsqueeze(1) - position;
  return (age.clamp_min(0) * log_decay.view({-1, 1, 1})).exp().tril(before).to(dtype);
}

// Computes in chunks. Σ|A| runs over keys whose decay is above 1e-5; with an initial sum, rows are not divided by it.
// Shapes: q, k, v [batch, heads, time, ·], sum [batch, heads, e, ev] -> [batch, heads, time, ev] and the sum
std::pair<Tensor, Tensor> chunked(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& log_decay, Tensor sum,
                                  int64_t first) {
  const auto type = q.scalar_type();
  const auto alone = !sum.defined();
  const auto horizon = int64_t(std::log(1e-5) / log_decay.max().item<double>());
  const auto before = alone ? std::min(horizon, q.size(2)) : 0;
  const auto fade = fading(log_decay, before, std::min(chunk, q.size(2)), type);
  std::vector<Tensor> parts;
  for (int64_t at = 0; at < q.size(2); at += chunk) {
    const auto count = std::min(chunk, q.size(2) - at);
    const auto qc = q.narrow(2, at, count), kc = k.narrow(2, at, count), vc = v.narrow(2, at, count);
    const auto i = torch::arange(count, log_decay.options());
    const auto within = fade.narrow(1, 0, count).narrow(2, before, count);
    auto o = torch::matmul(torch::matmul(qc, kc.transpose(-1, -2)) * within, vc);
    if (sum.defined()) o = o + torch::matmul(qc * faded(i + 1, log_decay).to(type), sum);
    const auto added = torch::matmul((kc * faded(count - 1 - i, log_decay).to(type)).transpose(-1, -2), vc);
    sum = sum.defined() ? sum * faded(torch::full({1}, count, i.options()), log_decay).to(type) + added : added;
    auto rows = root_norm(i + (first + at), log_decay).to(type);
    if (alone) {
      torch::NoGradGuard no_grad;
      const auto back = std::min(at, before);
      const auto seen = fade.narrow(1, 0, count).narrow(2, before - back, back + count);
      rows = rows * divisor(torch::matmul(qc, k.narrow(2, at - back, back + count).transpose(-1, -2)) * seen / rows);
    }
    parts.push_back(o / rows);
  }
  return {torch::cat(parts, 2), sum};
}

// Keeps only the inputs; the backward pass computes the chunks again.
Tensor long_retention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g, const RetentionScale& scale) {
  const auto heads = scale.log_decay.size(0);
  const auto turned_q = rotate(by_heads(q, heads), scale.angles, Turn::pairs);
  const auto turned_k = rotate(by_heads(k, heads) / std::sqrt(double(k.size(2) / heads)), scale.angles, Turn::pairs);
  return gated(chunked(turned_q, turned_k, by_heads(v, heads), scale.log_decay, {}, 0).first, g, scale.eps);
}

struct Retention final : Layer {
  Retention(const Node& node, Builder& b) : heads(node.integer("heads")), eps(node.real("eps")), slot(b.slot()) {
    const auto dim = node.integer("dim"), value = node.integer("value");
    if (dim % (2 * heads) != 0 || value % heads != 0) {
      throw Error("BAD_SPEC", "retention: expected heads that divide " + std::to_string(dim) + " into pairs, and " +
                                std::to_string(value) + ", but received " + std::to_string(heads));
    }
    table = std::make_unique<AngleTable>(rates(dim / heads / 2));
    log_decay = log_decays(heads);
    const auto inner = xavier(std::exp2(-2.5));
    q_weight = b.matrix("q_proj.weight", {dim, dim}, inner);
    k_weight = b.matrix("k_proj.weight", {dim, dim}, inner);
    v_weight = b.matrix("v_proj.weight", {value, dim}, inner);
    g_weight = b.matrix("g_proj.weight", {value, dim}, inner);
    out_weight = b.matrix("out_proj.weight", {dim, value}, xavier(0.5));
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto read = pass.last_only ? last_position(x) : x;
    const auto k = multiply(x, *k_weight, {}), v = multiply(x, *v_weight, {});
    const auto q = multiply(read, *q_weight, {}), g = multiply(read, *g_weight, {});
    const auto type = k.scalar_type();
    Tensor y;
    {
      c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
      y = retain(wide(q), wide(k), wide(v), wide(g), pass);
    }
    return multiply(y.to(type), *out_weight, {});
  }

  Tensor retain(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g, Pass& pass) {
    const auto time = k.size(1), queries = q.size(1);
    const RetentionScale scale{decay_on(k.device()), table->at(pass.state ? pass.state->position : 0, time, k.device()), eps};
    if (!pass.state && time <= shortest && k.is_cpu()) return short_retention(q, k, v, g, scale);
    if (!pass.state && time > short_context && queries > 1)
      return recomputed([scale](const variable_list& x) { return long_retention(x[0], x[1], x[2], x[3], scale); }, {q, k, v, g});
    const auto skip = time - queries;
    const Angles at{scale.angles.sin.narrow(0, skip, queries), scale.angles.cos.narrow(0, skip, queries)};
    const auto turned_q = rotate(by_heads(q, heads), at, Turn::pairs);
    const auto turned_k = rotate(by_heads(k, heads) / std::sqrt(double(k.size(2) / heads)), scale.angles, Turn::pairs);
    if (!pass.state) return gated(whole(turned_q, turned_k, by_heads(v, heads), scale.log_decay), g, eps);
    return gated(continued(turned_q, turned_k, by_heads(v, heads), scale.log_decay, *pass.state), g, eps);
  }

  // Copied once per device, so that a training step transfers nothing. MPS has no float64.
  Tensor decay_on(torch::Device device) {
    const std::lock_guard lock(mutex);
    if (log_decay.device() != device) {
      const torch::InferenceMode outside(false);
      log_decay = log_decay.to(device, device.is_mps() ? torch::kFloat32 : torch::kFloat64);
    }
    return log_decay;
  }

  // Continues from the stored sum; q may be the last position alone.
  Tensor continued(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& decay, State& state) const {
    auto& kept = state.slots.at(slot);
    const auto sum = kept.empty() ? k.new_zeros({k.size(0), heads, k.size(3), v.size(3)}) : kept[0];
    const auto all = q.size(2) == k.size(2) ? q : torch::cat({torch::zeros_like(k.narrow(2, 1, k.size(2) - 1)), q}, 2);
    const auto [o, after] = chunked(all, k, v, decay, sum, state.position);
    kept = {after};
    return o.narrow(2, k.size(2) - q.size(2), q.size(2));
  }

  int64_t heads;
  double eps;
  size_t slot;
  std::unique_ptr<AngleTable> table;
  std::mutex mutex;
  Tensor log_decay;
  Weight q_weight, k_weight, v_weight, g_weight, out_weight;
};

}  // namespace

Made make_retention(const Node& node, Builder& b) { return std::make_unique<Retention>(node, b); }

}  // namespace lvm
