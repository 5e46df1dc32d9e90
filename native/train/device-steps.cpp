#include "device-steps.h"

#include "../data/mapped-file.h"
#include "../kernels/at-least-float32.h"
#include "../kernels/autocast.h"
#include "../kernels/state-space.h"
#include "../random.h"

#include <ATen/DeviceAccelerator.h>

namespace lvm {
namespace {

constexpr int64_t longest_queue = 64;  // steps
constexpr double patience = 0.2;       // seconds between two looks at the results
constexpr int64_t warm_up = 3;         // steps before the recording, which initialise the libraries of the device

// Bytes that tables may take on the device: half of what is free, so that training keeps its memory.
double room(torch::Device device) {
  if (device.is_cuda()) return 0.5 * double(at::accelerator::getMemoryInfo(std::max<c10::DeviceIndex>(device.index(), 0)).first);
  return device.is_cpu() ? std::numeric_limits<double>::infinity() : 4e9;
}

double bytes(const Samples& samples) {
  return double(samples.vectors.nbytes()) + (samples.targets.is_same(samples.vectors) ? 0 : double(samples.targets.nbytes()));
}

}  // namespace

Tensor loss_of(const Tensor& raw, const Tensor& target, Loss loss, bool unit) {
  if (loss == Loss::cosine) return 1 - (normalised(raw) * normalised(target)).sum(-1).mean();
  return unit ? torch::mse_loss(normalised(raw), normalised(target)) : torch::mse_loss(raw, target);
}

void backward_of(const Tensor& loss) {
  if (!loss.requires_grad())
    throw Error("BAD_OPTION", "train: expected parameters that the loss depends on but all of them are frozen");
  loss.backward();
}

StepsPlan steps_plan(const Model& model, const Samples& samples, const TrainerOptions& o, bool ordinary) {
  const auto device = model.placement.device;
  if (o.steps == Steps::host) return {Steps::host, ""};
  if (!ordinary) return {Steps::host, "the training has contexts of unequal length or a contrastive loss"};
  if (bytes(samples) > room(device)) return {Steps::host, "the vectors do not fit on the device"};
  if (o.steps == Steps::device) return {Steps::device, ""};
  if (o.per_step > o.batch) return {Steps::device, "a step accumulates several batches"};
  if (o.recompute) return {Steps::device, "activations are computed again"};
  const auto on_host = model.host_op == "redraw" || (!model.host_op.empty() && samples.context > device_taps);
  if (on_host) return {Steps::device, "the op " + model.host_op + " needs the host in every pass"};
  if (!device_graph(device)) return {Steps::device, "this libtorch has no graphs for " + device.str()};
  return {Steps::graph, ""};
}

DeviceSteps::DeviceSteps(std::shared_ptr<Model> model_, std::shared_ptr<Samples> samples, Optimizer& optimizer,
                         const TrainerOptions& options, bool recorded)
    : model(std::move(model_)),
      optimizer(optimizer),
      options(options),
      device(model->placement.device),
      recorded(recorded),
      one_table(samples->targets.is_same(samples->vectors)),
      context(samples->context) {
  require_unchanged(samples->vectors);
  if (!one_table) require_unchanged(samples->targets);
  vectors = samples->vectors.to(device);
  targets = one_table ? vectors : samples->targets.to(device);
  first = samples->first.to(device), target = samples->target.to(device);
  offsets = torch::arange(context, torch::kInt64).to(device);
  here = torch::zeros({options.per_step}, offsets.options());
  const auto floats = offsets.options().dtype(torch::kFloat32);
  result = torch::zeros({2}, floats), results = torch::zeros({longest_queue, 2}, floats);
}

void DeviceSteps::begin(const Tensor& all) { windows = all.to(device); }

void DeviceSteps::add(int64_t from, int64_t count, double lr) {
  if (waiting == 0) since = std::chrono::steady_clock::now();
  const auto part = windows.narrow(0, from, count);
  const auto before = uint64_t(optimizer.steps);
  optimizer.prepare(lr);
  const auto whole = count == options.per_step;
  if (recorded && !graph && whole && made >= warm_up) record();
  seed(before, 0);
  if (graph && whole) {
    here.copy_(part);
    graph->replay();
  } else {
    compute(part);
  }
  results.select(0, waiting).copy_(result);
  waiting += 1, made += 1;
}

// A training goes on without a graph if the device refuses it.
void DeviceSteps::record() {
  graph = device_graph(device);
  try {
    graph->record([this] { compute(here); });
  } catch (const std::exception& error) {
    failure = error.what();
    failure = failure.substr(0, failure.find('\n'));
    for (const auto& slot : optimizer.slots) slot.value.mutable_grad().reset();
    graph.reset();
    recorded = false;
  }
}

// The queue grows until its steps take as long as a look at the results may be late.
bool DeviceSteps::full() const { return waiting >= most; }

std::vector<DeviceSteps::Result> DeviceSteps::settle() {
  if (waiting == 0) return {};
  const auto values = results.narrow(0, 0, waiting).cpu();
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
  most = std::clamp<int64_t>(int64_t(patience * double(waiting) / std::max(seconds, 1e-6)), 1, longest_queue);
  std::vector<Result> all;
  const auto* at = values.const_data_ptr<float>();
  for (int64_t i = 0; i < waiting; ++i) all.push_back({double(at[2 * i]), double(at[2 * i + 1])});
  waiting = 0;
  return all;
}

// The random numbers of a step are a pure function of seed and step, so that a resumed run draws the same.
void DeviceSteps::seed(uint64_t step, uint64_t call) const {
  if (device.is_cpu()) return;
  auto generator = at::globalContext().defaultGenerator(device);
  generator.set_current_seed(mixed(options.seed, (step << 8) + call));
}

Samples::Batch DeviceSteps::gathered(const Tensor& part) const {
  const auto dtype = wide(model->placement.dtype);
  const auto n = part.size(0), d = vectors.size(1);
  const auto rows = (first.index_select(0, part).unsqueeze(1) + offsets).flatten(), ends = target.index_select(0, part);
  return {vectors.index_select(0, rows).to(dtype).view({n, context, d}), targets.index_select(0, ends).to(dtype)};
}

Tensor DeviceSteps::backward(const Tensor& part, double share, uint64_t call_base) {
  const auto dtype = wide(model->placement.dtype);
  const auto [given, next] = gathered(part);
  const auto x = given.to(model->placement.dtype);
  const auto y = options.sequence ? torch::cat({given.narrow(1, 1, context - 1), next.unsqueeze(1)}, 1) : next;
  Pass pass;
  pass.training = true;
  pass.recompute = options.recompute;
  pass.last_only = !options.sequence;
  pass.random = {options.seed, uint64_t(optimizer.steps - 1), call_base};
  Tensor raw;
  {
    Autocast autocast(options.bf16, device.type());
    raw = model->forward(x, pass);
  }
  const auto loss = loss_of(raw.to(dtype).view_as(y), y, options.loss, model->unit);
  backward_of(share == 1 ? loss : loss * share);
  return loss.detach().to(torch::kFloat32) * share;
}

// Everything of a step that runs on the device.
void DeviceSteps::compute(const Tensor& part) {
  Tensor loss;
  uint64_t call = 0;
  for (int64_t at = 0; at < part.size(0); at += options.batch, ++call) {
    const auto batch = part.narrow(0, at, std::min(options.batch, part.size(0) - at));
    if (call > 0) seed(uint64_t(optimizer.steps - 1), call);
    const auto one = backward(batch, double(batch.size(0)) / double(part.size(0)), call << 16);
    loss = loss.defined() ? loss + one : one;
  }
  const auto norm = optimizer.queue(loss);
  for (auto& [value, where] : zeros) value.masked_fill_(where, 0);
  result.copy_(torch::stack({loss, norm}));
}

}  // namespace lvm
