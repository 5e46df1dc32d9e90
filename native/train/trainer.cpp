#include "trainer.h"

#include "../kernels/at-least-float32.h"
#include "../kernels/autocast.h"
#include "../random.h"
#include "near-order.h"
#include "part-of-reading.h"

#include <ATen/CPUGeneratorImpl.h>

namespace lvm {
namespace {

[[noreturn]] void refuse(double loss, int64_t steps) {
  throw Error("DIVERGED", std::string("training: the loss of the training batch became ") +
                            (std::isnan(loss) ? "NaN" : "infinite") + " at step " + std::to_string(steps + 1));
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Model> model, std::shared_ptr<Samples> samples, Tensor ids, TrainerOptions options,
                 std::shared_ptr<Ranks> ranks_)
    : model(std::move(model)),
      samples(std::move(samples)),
      options(options),
      optimizer(scaled(this->model->parameters(), options.lr_scales), options.optimizer,
                ranks_ && options.share_state ? Share{ranks_->rank, ranks_->size} : Share{}),
      plan(steps_plan(*this->model, *this->samples, options, options.contrastive == 0 && !this->samples->length.defined())),
      ranks(std::move(ranks_)),
      ids(std::move(ids)) {
  if (this->samples->dim() != this->model->dim) {
    throw Error("DATA_SHAPE", "training: expected vectors of dimension " + std::to_string(this->model->dim) + " but received " +
                                std::to_string(this->samples->dim()));
  }
  if (options.contrastive > 0)
    negatives = std::make_unique<NegativeSampler>(*this->samples, this->ids, options.negatives, mixed(options.seed, 0x6e6365));
  if (options.sequence && this->samples->length.defined()) group();
  if (ranks) {
    if (!this->model->placement.device.is_cpu() || negatives)
      throw Error("BAD_OPTION", "train: expected the CPU and a loss without negatives for several processes");
    std::vector<Tensor> weights;
    for (const auto& slot : optimizer.slots) weights.push_back(slot.value);
    summed = std::make_unique<SummedGradients>(std::move(weights), ranks, !options.recompute);
    if (options.share_state) shared = std::make_unique<SharedState>(optimizer, ranks);
  }
  if (plan.steps != Steps::host)
    queued = std::make_unique<DeviceSteps>(this->model, this->samples, optimizer, this->options, plan.steps == Steps::graph);
}

StepsPlan Trainer::steps() const {
  return queued && !queued->failure.empty() ? StepsPlan{Steps::device, "recording failed: " + queued->failure} : plan;
}

// Sorts the windows by their first row, so that those that begin together are drawn together.
void Trainer::group() {
  const auto first = samples->first.index_select(0, ids), order = first.argsort(true, 0, false);
  ids = ids.index_select(0, order);
  const auto sorted = first.index_select(0, order);
  const auto* begins = sorted.const_data_ptr<int64_t>();
  for (int64_t i = 1; i <= ids.size(0); ++i)
    if (i == ids.size(0) || begins[i] != begins[i - 1]) ends.push_back(i);
}

Tensor Trainer::windows_of(const Tensor& items) const {
  if (ends.empty()) return ids.index_select(0, items);
  std::vector<Tensor> parts;
  for (const auto& item : items.unbind()) {
    const auto i = size_t(item.item<int64_t>());
    const auto from = i == 0 ? 0 : ends[i - 1];
    parts.push_back(ids.narrow(0, from, ends[i] - from));
  }
  return torch::cat(parts);
}

// Batches of a step: `batch` windows each, divided further where their contexts have unequal lengths.
std::vector<Reading> Trainer::batches_of(const Tensor& windows) const {
  const auto& o = options;
  if (!ends.empty()) return readings(*samples, windows, {o.batch, o.vectors, model->causal, true});
  std::vector<Reading> all;
  for (int64_t at = 0; at < windows.size(0); at += o.batch) {
    const auto batch = windows.narrow(0, at, std::min(o.batch, windows.size(0) - at));
    for (auto& reading : readings(*samples, batch, {o.batch, o.vectors, model->causal, false})) all.push_back(std::move(reading));
  }
  return all;
}

// Called before the first step, because a resumed run loads its weights after the trainer is built.
void Trainer::mark_zeros() {
  std::unordered_map<std::string, const Slot*> slots;
  for (const auto& slot : optimizer.slots) slots[slot.name] = &slot;
  for (const auto& p : model->parameters()) {
    if (!p.matrix || !p.value.requires_grad()) continue;
    const auto value = p.value.detach(), where = value == 0;
    const auto& slot = *slots.at(p.name);
    zeros.emplace_back(optimizer.part(slot, value), optimizer.part(slot, where));
    if (slot.average.defined()) zeros.emplace_back(slot.average, zeros.back().second);
  }
}

int64_t Trainer::steps_per_epoch() const {
  const auto items = ends.empty() ? ids.size(0) : int64_t(ends.size());
  return (items + options.per_step - 1) / options.per_step;
}

Tensor Trainer::order(int64_t epoch) {
  if (shuffled_epoch != epoch) {
    const auto windows = ids.size(0), items = ends.empty() ? windows : int64_t(ends.size());
    auto generator = at::detail::createCPUGenerator(mixed(options.seed, uint64_t(epoch)));
    const auto buffer = options.buffer == 0 ? items : std::max<int64_t>(1, int64_t(double(options.buffer) * items / windows));
    shuffled = buffer >= items ? torch::randperm(items, generator, torch::kInt64) : near_order(items, buffer, generator);
    shuffled_epoch = epoch;
  }
  return shuffled;
}

int64_t Trainer::run(int64_t epoch, int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on) {
  if (options.keep_zeros && zeros.empty()) mark_zeros();
  paused = false;
  const auto items = order(epoch);
  if (queued) {
    if (queued_epoch != epoch) queued->begin(ids.index_select(0, items));
    queued_epoch = epoch;
    return run_queued(from, rates, go_on);
  }
  for (size_t i = 0; i < rates.size(); ++i) {
    const auto last = !go_on() || stop;
    if (last && !ranks) return int64_t(i);
    if (ranks) ranks->note("in epoch " + std::to_string(epoch) + ", step " + std::to_string(optimizer.steps + 1));
    const auto at = (from + int64_t(i)) * options.per_step;
    const auto part = windows_of(items.narrow(0, at, std::min(options.per_step, items.size(0) - at)));
    if (negatives) negatives->draw(uint64_t(optimizer.steps), wide(model->placement.dtype), model->placement.device);
    const auto loss = gradients_of(part, last);
    if (!std::isfinite(loss)) {
      for (auto& slot : optimizer.slots) slot.value.mutable_grad().reset();
      temperature.gradient = 0;
      refuse(loss, optimizer.steps);
    }
    const auto norm = optimizer.step(rates[i], summed ? summed->squares : std::vector<double>());
    const auto& o = options.optimizer;
    if (negatives) temperature.step(rates[i], o.beta1, o.beta2, o.eps, optimizer.steps);
    for (auto& [value, where] : zeros) value.masked_fill_(where, 0);
    if (shared) shared->give_weights();
    count(loss, norm, part.size(0));
    if (stopped || paused) return int64_t(i) + 1;
  }
  return int64_t(rates.size());
}

// Gradients and mean loss of a step's windows; with ranks each computes its part, and whether one is to stop is told to all.
double Trainer::gradients_of(const Tensor& windows, bool last) {
  const auto batches = batches_of(windows);
  double loss = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    const auto own = ranks ? part_of(batches[i], ranks->rank, ranks->size) : PartOfReading{batches[i], {}};
    const WithParts parts(own.parts);
    if (ranks && i + 1 == batches.size()) summed->complete_next();
    const auto share = own.idle ? 0 : double(own.reading.windows.size(0)) / double(windows.size(0));
    loss += share * accumulate(own.reading, share, i << 16);
  }
  if (!ranks) return loss;
  const auto all = torch::tensor({loss, last ? 1.0 : 0.0, pause.exchange(false) ? 1.0 : 0.0}, torch::kFloat64);
  summed->finish(all);
  stopped = all[1].item<double>() > 0;
  paused = all[2].item<double>() > 0;
  return all[0].item<double>();
}

void Trainer::count(double loss, double norm, int64_t windows) {
  sums.grad_norm += norm;
  sums.loss += loss * double(windows);
  sums.windows += windows;
  sums.steps += 1;
  mean_loss = sums.loss / double(sums.windows);
  done = sums.steps;
  windows_done = sums.windows;
}

int64_t Trainer::run_queued(int64_t from, const std::vector<double>& rates, const std::function<bool()>& go_on) {
  const OwnStream own(model->placement.device);
  if (options.keep_zeros) queued->zeros = zeros;
  std::vector<int64_t> sizes;
  const auto settle = [&] {
    const auto results = queued->settle();
    for (size_t i = 0; i < results.size(); ++i) {
      const auto [loss, norm] = results[i];
      if (!std::isfinite(loss) || !std::isfinite(norm)) {
        optimizer.steps -= int64_t(results.size() - i);
        optimizer.restart();
        std::isfinite(loss) ? optimizer.refuse(norm) : refuse(loss, optimizer.steps);
      }
      count(loss, norm, sizes[i]);
    }
    sizes.clear();
  };
  size_t i = 0;
  for (; i < rates.size() && go_on() && !stop; ++i) {
    const auto at = (from + int64_t(i)) * options.per_step;
    sizes.push_back(std::min(options.per_step, ids.size(0) - at));
    queued->add(at, sizes.back(), rates[i]);
    if (queued->full()) settle();
  }
  settle();
  return int64_t(i);
}

double Trainer::accumulate(const Reading& reading, double share, uint64_t call_base) {
  const auto dtype = wide(model->placement.dtype);
  const auto [given, next] =
    samples->gather(reading.first, reading.length, reading.time, reading.windows, dtype, model->placement.device);
  const auto x = given.to(model->placement.dtype);
  const auto every = options.sequence && ends.empty();  // every position of contexts of one length
  const auto y = every ? torch::cat({given.narrow(1, 1, given.size(1) - 1), next.unsqueeze(1)}, 1) : next;
  Pass pass;
  pass.training = true;
  pass.recompute = options.recompute;
  pass.random = {options.seed, uint64_t(optimizer.steps), call_base};
  if (!x.is_cpu()) {
    auto generator = at::globalContext().defaultGenerator(x.device());
    generator.set_current_seed(mixed(options.seed, (pass.random.step << 8) + (call_base >> 16)));
  }
  Tensor raw;
  {
    Autocast autocast(options.bf16, x.device().type());
    raw = every ? model->forward(x, pass) : model->outputs(reading, x, pass);
  }
  raw = raw.to(dtype).view_as(y);
  if (negatives) return contrastive(reading, raw, y, share);
  const auto loss = loss_of(raw, y, options.loss, model->unit);
  backward_of(share == 1 ? loss : loss * share);
  return loss.item<double>();
}

double Trainer::contrastive(const Reading& reading, const Tensor& raw, const Tensor& y, double share) {
  const auto every = raw.dim() == 3;
  const auto weight = options.contrastive, rest = 1 - weight;
  const auto queries = normalised(raw.flatten(0, -2)), targets = normalised(y.flatten(0, -2));
  const auto found = contrast(queries.detach(), targets, negatives->of(reading, every, targets), temperature.log);
  auto loss = weight * found.loss.mean(torch::kFloat64).item<double>();
  auto differentiable = (queries * found.gradient).sum() * weight;  // has the gradient of the loss, not its value
  if (rest > 0) {
    const auto other = loss_of(raw, y, options.loss, model->unit) * (rest * options.error_scale);
    loss += other.item<double>();
    differentiable = differentiable + other;
  }
  temperature.gradient += share * weight * found.log_temperature;
  backward_of(differentiable * share);
  return loss;
}

}  // namespace lvm
