#include "trainer.h"

#include "../kernels/at-least-float32.h"
#include "../kernels/autocast.h"
#include "../random.h"

#include <ATen/CPUGeneratorImpl.h>

namespace lvm {
Tensor loss_of(const Tensor& raw, const Tensor& target, Loss loss, bool unit) {
  if (loss == Loss::cosine) return 1 - (normalised(raw) * normalised(target)).sum(-1).mean();
  return unit ? torch::mse_loss(normalised(raw), normalised(target)) : torch::mse_loss(raw, target);
}

Trainer::Trainer(std::shared_ptr<Model> model, std::shared_ptr<Samples> samples, Tensor ids, TrainerOptions options)
    : model(std::move(model)),
      samples(std::move(samples)),
      options(options),
      optimizer(this->model->parameters(), options.optimizer),
      ids(std::move(ids)) {
  if (this->samples->dim() != this->model->dim) {
    throw Error("DATA_SHAPE", "training: expected vectors of dimension " + std::to_string(this->model->dim) + " but received " +
                                std::to_string(this->samples->dim()));
  }
}

// Called before the first step, because a resumed run loads its weights after the trainer is built.
void Trainer::mark_zeros() {
  std::unordered_map<std::string, Tensor> averages;
  for (const auto& slot : optimizer.slots) averages[slot.name] = slot.average;
  for (const auto& p : model->parameters()) {
    if (!p.matrix) continue;
    const auto value = p.value.detach(), where = value == 0;
    zeros.emplace_back(value, where);
    if (const auto average = averages[p.name]; average.defined()) zeros.emplace_back(average, where);
  }
}

int64_t Trainer::steps_per_epoch() const {
  const auto per_step = options.batch * options.accumulate;
  return (ids.size(0) + per_step - 1) / per_step;
}

Tensor Trainer::order(int64_t epoch) {
  if (shuffled_epoch != epoch) {
    auto generator = at::detail::createCPUGenerator(mixed(options.seed, uint64_t(epoch)));
    shuffled = ids.index_select(0, torch::randperm(ids.size(0), generator, torch::kInt64));
    shuffled_epoch = epoch;
  }
  return shuffled;
}

int64_t Trainer::run(int64_t epoch, int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on) {
  if (options.keep_zeros && zeros.empty()) mark_zeros();
  const auto windows = order(epoch);
  const auto per_step = options.batch * options.accumulate;
  for (size_t i = 0; i < rates.size(); ++i) {
    if (!go_on() || stop) return int64_t(i);
    const auto at = (from + int64_t(i)) * per_step;
    const auto part = windows.narrow(0, at, std::min(per_step, windows.size(0) - at));
    double loss = 0;
    for (int64_t micro = 0; micro < part.size(0); micro += options.batch) {
      const auto batch = part.narrow(0, micro, std::min(options.batch, part.size(0) - micro));
      const auto share = double(batch.size(0)) / double(part.size(0));
      loss += share * accumulate(batch, share, uint64_t(micro / options.batch) << 16);
    }
    if (!std::isfinite(loss)) {
      for (auto& slot : optimizer.slots) slot.value.mutable_grad().reset();
      throw Error("DIVERGED", std::string("training: the loss of the training batch became ") +
                                (std::isnan(loss) ? "NaN" : "infinite") + " at step " + std::to_string(optimizer.steps + 1));
    }
    sums.grad_norm += optimizer.step(rates[i]);
    for (auto& [value, where] : zeros) value.masked_fill_(where, 0);
    sums.loss += loss * double(part.size(0));
    sums.windows += part.size(0);
    sums.steps += 1;
    mean_loss = sums.loss / double(sums.windows);
    done = sums.steps;
  }
  return int64_t(rates.size());
}

double Trainer::accumulate(const Tensor& batch, double share, uint64_t call_base) {
  const auto dtype = wide(model->placement.dtype);
  const auto [given, next] = samples->gather(batch, dtype, model->placement.device);
  const auto x = given.to(model->placement.dtype);
  // Successor of each position, or of the last one only.
  const auto y = options.sequence ? torch::cat({given.narrow(1, 1, given.size(1) - 1), next.unsqueeze(1)}, 1) : next;
  Pass pass;
  pass.training = true;
  pass.last_only = !options.sequence;
  pass.recompute = options.recompute;
  pass.random = {options.seed, uint64_t(optimizer.steps), call_base};
  if (!x.is_cpu()) {
    auto generator = at::globalContext().defaultGenerator(x.device());
    generator.set_current_seed(mixed(options.seed, (pass.random.step << 8) + (call_base >> 16)));
  }
  Tensor raw;
  {
    Autocast autocast(options.bf16, x.device().type());
    raw = model->forward(x, pass);
  }
  const auto loss = loss_of(raw.to(dtype).view_as(y), y, options.loss, model->unit);
  (share == 1 ? loss : loss * share).backward();
  return loss.item<double>();
}

}  // namespace lvm
