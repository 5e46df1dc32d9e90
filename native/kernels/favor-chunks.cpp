#include "favor-forms.h"

namespace lvm {
namespace {

constexpr int64_t chunk = 128;

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor transposed(const Tensor& x) { return x.transpose(-1, -2); }

struct Features {
  explicit Features(const Tensor& w) : w(w), s(std::pow(double(w.size(1)), -0.25)), c(std::pow(double(w.size(0)), -0.5)) {}

  Tensor projected(const Tensor& x) const { return torch::matmul(x * s, w.t()); }
  Tensor of(const Tensor& x, const Tensor& projected, const Tensor& top) const {
    return (projected - x.square().sum(-1, true) * (s * s / 2) - top).exp_().add_(feature_floor).mul_(c);
  }
  Tensor of_queries(const Tensor& q) const {
    const auto a = projected(q);
    return of(q, a, a.amax(-1, true));
  }
  Tensor of_keys(const Tensor& k, const Tensor& top) const { return of(k, projected(k), top); }
  // Gradient of x from the gradient of its features.
  Tensor pulled(const Tensor& x, const Tensor& phi, const Tensor& dphi) const {
    const auto g = (phi - c * feature_floor).mul_(dphi);
    return torch::matmul(g, w) * s - x * g.sum(-1, true) * (s * s);
  }

  Tensor w;
  double s, c;
};

// Appends a column of ones to the values, so that one product gives the weighted sum and the sum of weights.
Tensor with_ones(const Tensor& v) { return torch::cat({v, torch::ones_like(v.narrow(-1, 0, 1))}, -1); }

template <typename Use>
void each_chunk(int64_t time, Use use) {
  for (int64_t at = 0; at < time; at += chunk) use(at, std::min(chunk, time - at));
}

struct Chunks final : torch::autograd::Function<Chunks> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& w, bool causal) {
    const Features features(w);
    const auto time = k.size(2), e = v.size(3);
    const auto masked = causal && q.size(2) == time;  // a single last query sees all keys
    Tensor top;
    each_chunk(time, [&](int64_t at, int64_t n) {
      const auto here = features.projected(k.narrow(2, at, n)).amax({-1, -2}, true);
      top = top.defined() ? torch::maximum(top, here) : here;
    });
    auto sum = k.new_zeros({k.size(0), k.size(1), w.size(0), e + 1});  // Σ φ(k) [vᵀ 1]
    const auto add = [&](const Tensor& phi_k, int64_t at, int64_t n) {
      sum = sum + torch::matmul(transposed(phi_k), with_ones(v.narrow(2, at, n)));
    };
    if (!masked) each_chunk(time, [&](int64_t at, int64_t n) { add(features.of_keys(k.narrow(2, at, n), top), at, n); });
    std::vector<Tensor> parts, weights;
    each_chunk(q.size(2), [&](int64_t at, int64_t n) {
      const auto phi_q = features.of_queries(q.narrow(2, at, n));
      auto y = torch::matmul(phi_q, sum);
      if (masked) {
        const auto phi_k = features.of_keys(k.narrow(2, at, n), top);
        const auto pairs = torch::matmul(phi_q, transposed(phi_k)).tril_();
        y = y + torch::matmul(pairs, with_ones(v.narrow(2, at, n)));
        add(phi_k, at, n);
      }
      auto weight = y.narrow(-1, e, 1);
      if (causal) weight = weight + phi_q.sum(-1, true) * denominator_floor;
      parts.push_back(y.narrow(-1, 0, e) / weight);
      weights.push_back(weight);
    });
    const auto out = torch::cat(parts, 2);
    ctx->save_for_backward({q, k, v, w, top, out, torch::cat(weights, 2)});
    ctx->saved_data["causal"] = causal;
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &q = saved[0], &k = saved[1], &v = saved[2], &top = saved[4];
    const Features features(saved[3]);
    const auto time = k.size(2), e = v.size(3);
    const auto causal = ctx->saved_data["causal"].toBool(), masked = causal && q.size(2) == time;
    const auto dy = gradients[0] / saved[6], dweight = -(dy * saved[5]).sum(-1, true);
    const auto dsums = torch::cat({dy, dweight}, -1);  // gradients of the weighted sum and of the sum of weights

    std::vector<Tensor> before;  // sums read by each chunk of queries
    auto sum = k.new_zeros({k.size(0), k.size(1), features.w.size(0), e + 1});
    each_chunk(time, [&](int64_t at, int64_t n) {
      if (masked) before.push_back(sum);
      const auto phi_k = features.of_keys(k.narrow(2, at, n), top);
      sum = sum + torch::matmul(transposed(phi_k), with_ones(v.narrow(2, at, n)));
    });
    const auto dq = torch::empty_like(q), dk = torch::empty_like(k), dv = torch::empty_like(v);
    auto dsum = torch::zeros_like(sum);
    const auto queries = [&](int64_t at, int64_t n, const Tensor& read, const Tensor& phi_k, const Tensor& dpairs) {
      const auto x = q.narrow(2, at, n), phi = features.of_queries(x), d = dsums.narrow(2, at, n);
      auto dphi = torch::matmul(d, transposed(read));
      if (dpairs.defined()) dphi = dphi + torch::matmul(dpairs, phi_k);
      if (causal) dphi = dphi + dweight.narrow(2, at, n) * denominator_floor;
      dq.narrow(2, at, n).copy_(features.pulled(x, phi, dphi));
      return phi;
    };
    if (!masked) {
      each_chunk(q.size(2), [&](int64_t at, int64_t n) {
        const auto phi_q = queries(at, n, sum, {}, {});
        dsum = dsum + torch::matmul(transposed(phi_q), dsums.narrow(2, at, n));
      });
    }
    for (int64_t at = (time - 1) / chunk * chunk; at >= 0; at -= chunk) {
      const auto n = std::min(chunk, time - at);
      const auto x = k.narrow(2, at, n), values = with_ones(v.narrow(2, at, n)), phi_k = features.of_keys(x, top);
      auto dphi = torch::matmul(values, transposed(dsum)), dvalues = torch::matmul(phi_k, dsum);
      if (masked) {
        const auto d = dsums.narrow(2, at, n), dpairs = torch::matmul(d, transposed(values)).tril_();
        const auto phi_q = queries(at, n, before[size_t(at / chunk)], phi_k, dpairs);
        dphi = dphi + torch::matmul(transposed(dpairs), phi_q);
        dvalues = dvalues + torch::matmul(torch::matmul(phi_k, transposed(phi_q)).triu_(), d);
        dsum = dsum + torch::matmul(transposed(phi_q), d);
      }
      dk.narrow(2, at, n).copy_(features.pulled(x, phi_k, dphi));
      dv.narrow(2, at, n).copy_(dvalues.narrow(-1, 0, e));
    }
    return {dq, dk, dv, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor favor_by_chunks(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& w, bool causal) {
  return Chunks::apply(q, k, v, w, causal);
}

}  // namespace lvm
