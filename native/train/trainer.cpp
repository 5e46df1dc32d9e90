#include "trainer.h"

#include "../random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/autocast_mode.h>

namespace lvm {
namespace {

// libtorch has no guard of its own for autocast.
class Autocast {
 public:
  Autocast(bool on, torch::DeviceType device) : on(on), device(device) {
    if (!on) return;
    at::autocast::set_autocast_dtype(device, torch::kBFloat16);
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!on) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device, false);
  }

 private:
  bool on;
  torch::DeviceType device;
};

}  // namespace

Tensor loss_of(const Tensor& raw, const Tensor& target, Loss loss, bool unit) {
  if (loss == Loss::cosine) return 1 - (normalised(raw) * target).sum(-1).mean();
  return torch::mse_loss(unit ? normalised(raw) : raw, target);
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

int64_t Trainer::run(int64_t epoch, int64_t from, const std::vector<double>& rates) {
  const auto windows = order(epoch);
  const auto per_step = options.batch * options.accumulate;
  for (size_t i = 0; i < rates.size(); ++i) {
    if (stop) return int64_t(i);
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
      throw Error("DIVERGED",
                  "training: the loss became " + std::to_string(loss) + " at step " + std::to_string(optimizer.steps + 1));
    }
    sums.grad_norm += optimizer.step(rates[i]);
    sums.loss += loss * double(part.size(0));
    sums.windows += part.size(0);
    sums.steps += 1;
    mean_loss = sums.loss / double(sums.windows);
    done = sums.steps;
  }
  return int64_t(rates.size());
}

double Trainer::accumulate(const Tensor& batch, double share, uint64_t call_base) {
  const auto [x, y] = samples->gather(batch, model->placement.dtype, model->placement.device);
  Pass pass;
  pass.training = true;
  pass.last_only = true;
  pass.random = {options.seed, uint64_t(optimizer.steps), call_base};
  if (!x.is_cpu()) {
    auto generator = at::globalContext().defaultGenerator(x.device());
    generator.set_current_seed(mixed(options.seed, (pass.random.step << 8) + (call_base >> 16)));
  }
  Tensor raw;
  {
    Autocast autocast(options.bf16, x.device().type());
    raw = model->forward(x, pass).squeeze(1);
  }
  const auto loss = loss_of(raw.to(y.scalar_type()), y, options.loss, model->unit);
  (share == 1 ? loss : loss * share).backward();
  return loss.item<double>();
}

}  // namespace lvm
