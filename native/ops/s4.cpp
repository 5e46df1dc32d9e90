// A structured state space (S4, DPLR form): each channel is a linear system of N states with a matrix diagonal plus rank one.
//
//   s' = (1 − δ/2 M)⁻¹ ((1 + δ/2 M) s + δ B u),   y = 2 Re Σ C s' + D u,   M = diag(a) − P P*, a = −exp(A_real) − i A_imag
//   over n = N/2 states, each with its complex conjugate; δ = exp(inv_dt)
//
// The impulse response does not depend on the input. It is computed once per forward pass, step by step, in O(d n time) and
// without memory beyond its result; then every channel is convolved with it.
//
// shapes  [batch, time, d] -> the same; A [S, n], B, P [1, S, n, 2] in S copies, channel c reads copy c mod S; C [1, d, n, 2]
// state   s [batch, d, n], complex
// init    HiPPO-LegS, with the eigenvectors of LAPACK; inv_dt from 1/1000 to 1/10, C and D N(0, 1)
// errors  BAD_SPEC when copies do not divide d, or the number of states is odd
// source  Gu et al. 2022, arXiv:2111.00396; C is not that of a truncated kernel; parity: s4, s4_untied

#include "../kernels/s4-kernels.h"
#include "../kernels/state-space.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Legs {
  double a_real;
  Tensor a_imag, b, p;  // [n], [n, 2], [n, 2]
};

// The normal part of HiPPO-LegS has eigenvalues −1/2 ± i A_imag; in their basis B and the correction P become complex.
// In float32 as in the reference, except for the eigenvectors.
Legs legs(int64_t states) {
  const auto i = torch::arange(states, torch::kFloat32);
  const auto root = (2 * i.to(torch::kFloat64) + 1).sqrt();
  const auto hippo = -(root.unsqueeze(1) * root).tril(-1) - torch::diag(i + 1);
  const auto p = (i + 0.5).sqrt(), normal = hippo.to(torch::kFloat32) + p.unsqueeze(1) * p;
  const auto skew = torch::complex(torch::zeros_like(hippo), -normal.to(torch::kFloat64));
  const auto [values, vectors] = torch::linalg_eigh(skew, "L");
  const auto half = states / 2;
  const auto turn = vectors.narrow(1, 0, half).to(torch::kComplexFloat).conj().t();
  const auto turned = [&](const Tensor& v) {
    return torch::view_as_real(torch::matmul(turn, v.to(torch::kComplexFloat)).resolve_conj()).clone();
  };
  const auto b = turned(root);
  b.select(-1, 1).clamp_(-2, 2);
  return {std::log(-normal.diagonal().mean().item<double>()), -values.narrow(0, 0, half), b, turned(p)};
}

// The same value for every copy.
Init copied(std::function<Tensor()> value) {
  return [value = std::move(value)](Tensor& t, at::Generator) { t.copy_(value().expand_as(t)); };
}

struct S4 final : StateSpace {
  S4(const Node& node, Builder& b) : StateSpace(b) {
    const auto d = node.integer("dim"), states = node.integer("state"), copies = node.integer("copies"), n = states / 2;
    if (d % copies != 0 || states % 2 != 0) {
      throw Error("BAD_SPEC", "s4: expected copies that divide " + std::to_string(d) + " and an even number of states " +
                                "but received " + std::to_string(copies) + " and " + std::to_string(states));
    }
    const auto draw = std::make_shared<std::optional<Legs>>();
    const auto once = [draw, states]() -> const Legs& {
      if (!*draw) *draw = legs(states);
      return **draw;
    };
    const Traits slow{false, 1e-3};
    skip = b.parameter("D", {1, d}, normal(1));
    inv_dt = b.parameter("kernel.inv_dt", {d, 1}, time_scale(), slow);
    c = b.parameter("kernel.C", {1, d, n, 2}, normal(std::sqrt(0.5)));
    this->b = b.parameter("kernel.B", {1, copies, n, 2}, copied([=] { return once().b; }), slow);
    a_real = b.parameter("kernel.A_real", {copies, n}, copied([=] { return torch::full({1}, once().a_real); }), slow);
    a_imag = b.parameter("kernel.A_imag", {copies, n}, copied([=] { return once().a_imag; }), slow);
    p = b.parameter("kernel.P", {1, copies, n, 2}, copied([=] { return once().p; }), slow);
  }

  Tensor taps(int64_t time) const override {
    return dplr_taps(precise(inv_dt), precise(c), precise(b), precise(a_real), precise(a_imag), precise(p), time);
  }

  Recurrence recurrence(torch::Device device) const override {
    const auto d = inv_dt.size(0);
    const auto every = [&](const Tensor& t) { return t.repeat({d / t.size(0), 1}); };
    const auto dt = precise(inv_dt, device).exp();
    const auto a = every(torch::complex(-precise(a_real, device).exp(), -precise(a_imag, device)));
    const auto wp = every(as_complex(precise(p, device))[0]), wb = every(as_complex(precise(b, device))[0]);
    const auto x = 1 / (1 - dt / 2 * a), q = x * wp, v = x * wp.conj();
    const auto mu = dt / (1 + dt * torch::real((wp.abs().square() * x).sum(-1, true)));
    return {2 * x - 1, dt * (x * wb - q * (mu * torch::real((v * wb).sum(-1, true)))), 2 * as_complex(precise(c, device))[0],
            2 * mu * q, v};
  }

  Tensor inv_dt, c, b, a_real, a_imag, p;
};

}  // namespace

Made make_s4(const Node& node, Builder& b) { return std::make_unique<S4>(node, b); }

}  // namespace lvm
