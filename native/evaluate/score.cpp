#include "score.h"

#include "../kernels/at-least-float32.h"

namespace lvm {
namespace {

template <typename Each>
void in_batches(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const std::atomic<bool>& stop,
                Each each) {
  torch::InferenceMode inference;
  for (const auto& reading : readings(samples, ids, {batch, batch * samples.context, model.causal, true})) {
    if (stop) throw Error("INTERRUPTED", "evaluation was stopped");
    const auto [x, y] =
      samples.gather(reading.first, reading.length, reading.time, reading.windows, model.placement.dtype, model.placement.device);
    Pass pass;
    each(reading, model.outputs(reading, x, pass).to(torch::kCPU));
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
             [&](const Reading& reading, const Tensor& raw) { out.index_copy_(0, reading.which, raw.to(dtype)); });
  return out;
}

Tensor evaluate(Model& model, const Samples& samples, const Tensor& ids, int64_t batch, const Tensor& centre,
                const std::atomic<bool>& stop) {
  auto out = torch::empty({ids.size(0), 5}, torch::kFloat64);
  in_batches(model, samples, ids, batch, stop, [&](const Reading& reading, const Tensor& raw) {
    out.index_copy_(0, reading.which, score(raw, samples.target_rows(reading.windows, torch::kFloat64), centre));
  });
  return out;
}

}  // namespace lvm
