// A diagonal state space (S4D): each channel is a sum of n damped oscillations.
//
//   K_t = 2 Re Σ C (e^{δA} − 1) / A · e^{t δA},   y = K * u + D u,   A = −exp(log_A_real) + i A_imag, δ = exp(log_dt)
//
// Powers are computed in float64: in float32 the phase of e^{t δA} drifts as t grows, and e^{δA} − 1 loses three or four digits.
//
// shapes  [batch, time, d] -> the same; log_A_real, A_imag [d, n], C [d, n, 2]
// state   s [batch, d, n], complex
// init    S4D-Lin: A = −1/2 + iπk; log_dt from 1/1000 to 1/10, C and D N(0, 1)
// errors  BAD_SPEC when the number of states is odd
// source  Gu et al. 2022, arXiv:2206.11893; parity: s4d

#include "../kernels/s4-kernels.h"
#include "../kernels/state-space.h"
#include "op-table.h"

#include <numbers>

namespace lvm {
namespace {

struct S4d final : StateSpace {
  S4d(const Node& node, Builder& b) : StateSpace(b) {
    const auto d = node.integer("dim"), states = node.integer("state"), n = states / 2;
    if (states % 2 != 0) throw Error("BAD_SPEC", "s4d: expected an even number of states but received " + std::to_string(states));
    const Traits slow{false, 1e-3};
    skip = b.parameter("D", {d}, normal(1));
    c = b.parameter("kernel.C", {d, n, 2}, normal(std::sqrt(0.5)));
    log_dt = b.parameter("kernel.log_dt", {d}, time_scale(), slow);
    log_a_real = b.parameter("kernel.log_A_real", {d, n}, constant(std::log(0.5)), slow);
    const auto frequencies = [](Tensor& t, at::Generator) {
      t.copy_((torch::arange(t.size(1)) * std::numbers::pi).expand_as(t));
    };
    a_imag = b.parameter("kernel.A_imag", {d, n}, frequencies, slow);
  }

  struct Terms {
    Tensor zeta, input;  // δA, (e^{δA} − 1) / A
  };
  Terms terms(torch::Device device) const {
    const auto wide = [device](const Tensor& t) { return t.to(device, torch::kFloat64); };
    const auto dt = wide(log_dt).exp().unsqueeze(-1), re = -wide(log_a_real).exp(), im = wide(a_imag);
    const auto x = dt * re, y = dt * im;
    const auto less_one = torch::complex(x.expm1() * y.cos() - 2 * (y / 2).sin().square(), x.exp() * y.sin());
    return {torch::complex(x, y), less_one / torch::complex(re, im)};
  }

  Tensor taps(int64_t time) const override {
    const auto [zeta, input] = terms(torch::kCPU);
    return power_sums(as_complex(c.to(torch::kCPU, torch::kFloat64)) * input, zeta, time);
  }

  Recurrence recurrence(torch::Device device) const override {
    const auto [zeta, input] = terms(device);
    const auto type = precise(c, device).scalar_type() == torch::kFloat64 ? torch::kComplexDouble : torch::kComplexFloat;
    return {zeta.exp().to(type), input.to(type), 2 * as_complex(precise(c, device)), {}, {}};
  }

  Tensor c, log_dt, log_a_real, a_imag;
};

}  // namespace

Made make_s4d(const Node& node, Builder& b) { return std::make_unique<S4d>(node, b); }

}  // namespace lvm
