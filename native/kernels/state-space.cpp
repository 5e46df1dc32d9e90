#include "state-space.h"

#include "at-least-float32.h"
#include "long-conv.h"

#include <ATen/autocast_mode.h>

namespace lvm {

namespace {

// The impulse response by the recurrence itself.
// Shapes: -> [time, d]
Tensor response(const Recurrence& r, int64_t time) {
  std::vector<Tensor> y;
  for (auto s = r.b; int64_t(y.size()) < time;) {
    y.push_back(torch::real((r.c * s).sum(-1)));
    const auto next = r.g * s;
    s = r.q.defined() ? next - r.q * torch::real((r.v * s).sum(-1, true)) : next;
  }
  return torch::stack(y);
}

}  // namespace

Tensor precise(const Tensor& parameter, torch::Device device) { return parameter.to(device, wide(parameter.scalar_type())); }

Tensor as_complex(const Tensor& pairs) { return torch::view_as_complex(pairs.contiguous()); }

Init time_scale() {
  return [](Tensor& t, at::Generator g) { t.uniform_(std::log(1e-3), std::log(1e-1), g); };
}

Tensor StateSpace::forward(const Tensor& x, Pass& pass) {
  c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto type = wide(x.scalar_type());
  const auto input = x.to(type), d = skip.to(type).view({1, -1});
  if (pass.state) return continued(input, d, pass).to(x.scalar_type());
  const auto on_device = x.is_cuda() && x.size(1) <= device_taps;
  const auto k = (on_device ? response(recurrence(x.device()), x.size(1)) : taps(x.size(1))).to(x.device(), type);
  const auto with_skip = torch::cat({k.narrow(0, 0, 1) + d, k.narrow(0, 1, k.size(0) - 1)});
  return long_conv(input, with_skip, pass.last_only).to(x.scalar_type());
}

// The constants are stored beside the state, because computing them costs more than a step.
Tensor StateSpace::continued(const Tensor& x, const Tensor& d, Pass& pass) const {
  auto& kept = pass.state->slots.at(slot);
  if (kept.empty()) {
    const auto r = recurrence(torch::kCPU);
    kept = {torch::zeros({x.size(0), r.g.size(0), r.g.size(1)}, r.g.options()), r.g, r.b, r.c};
    if (r.q.defined()) kept.insert(kept.end(), {r.q, r.v});
    for (auto& t : kept) t = t.to(x.device());
  }
  auto& s = kept[0];
  std::vector<Tensor> y;
  for (int64_t t = 0; t < x.size(1); ++t) {
    const auto u = x.select(1, t);
    auto next = kept[1] * s + kept[2] * u.unsqueeze(-1);
    if (kept.size() > 4) next = next - kept[4] * torch::real((kept[5] * s).sum(-1, true));
    s = next;
    if (!pass.last_only || t + 1 == x.size(1)) y.push_back(torch::real((kept[3] * s).sum(-1)) + d * u);
  }
  return torch::stack(y, 1);
}

}  // namespace lvm
