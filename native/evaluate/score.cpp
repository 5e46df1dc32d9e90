#include "score.h"

#include "../kernels/at-least-float32.h"

namespace lvm {
namespace {

Tensor forward(Model& model, const Tensor& x) {
  Pass pass;
  pass.last_only = true;
  return model.forward(x, pass).squeeze(1);
}

template <typename Each>
void in_batches(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const std::atomic<bool>& stop,
                Each each) {
  torch::InferenceMode inference;
  for (int64_t at = 0; at < ids.size(0); at += batch) {
    if (stop) throw Error("INTERRUPTED", "evaluation was stopped");
    const auto part = ids.narrow(0, at, std::min(batch, ids.size(0) - at));
    const auto [x, y] = samples.gather(part, model.placement.dtype, model.placement.device);
    each(at, part, forward(model, x).to(torch::kCPU));
  }
}

}  // namespace

Tensor score(const Tensor& raw_, const Tensor& targets_, const Tensor& centre_) {
  const auto raw = raw_.to(torch::kCPU, torch::kFloat64), target = targets_.to(torch::kCPU, torch::kFloat64);
  const auto norm = raw.norm(2, -1, true), unit = raw / norm.clamp_min(1e-300);
  const auto unit_target = target / target.norm(2, -1, true).clamp_min(1e-12);
  const auto cosine = [](const Tensor& a, const Tensor& b) {
    return (a * b).sum(-1) / (a.norm(2, -1) * b.norm(2, -1)).clamp_min(1e-300);
  };
  // A vector equal to the centre leaves only round-off, which has no direction.
  const auto centred = [&](const Tensor& x, const Tensor& centre) {
    const auto rest = x - centre;
    return rest.masked_fill(rest.norm(2, -1, true) <= 1e-6 * x.norm(2, -1, true), 0);
  };
  const auto centre = centre_.defined() ? centre_.to(torch::kFloat64) : torch::zeros(raw.size(1), torch::kFloat64);
  return torch::stack({cosine(raw, target), cosine(centred(unit, centre), centred(target, centre)),
                       (raw - target).square().mean(-1), (unit - unit_target).square().mean(-1), norm.squeeze(-1)},
                      1);
}

Tensor predict(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const std::atomic<bool>& stop) {
  const auto dtype = wide(model.placement.dtype);
  auto out = torch::empty({ids.size(0), samples.dim()}, dtype);
  in_batches(model, samples, ids, batch, stop,
             [&](int64_t at, const Tensor& part, const Tensor& raw) { out.narrow(0, at, part.size(0)).copy_(raw); });
  return out;
}

Tensor evaluate(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const Tensor& centre,
                const std::atomic<bool>& stop) {
  auto out = torch::empty({ids.size(0), 5}, torch::kFloat64);
  in_batches(model, samples, ids, batch, stop, [&](int64_t at, const Tensor& part, const Tensor& raw) {
    out.narrow(0, at, part.size(0)).copy_(score(raw, samples.target_rows(part, torch::kFloat64), centre));
  });
  return out;
}

}  // namespace lvm
