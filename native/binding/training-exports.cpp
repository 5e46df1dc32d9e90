#include "../evaluate/score.h"
#include "convert.h"
#include "training-handles.h"

#include <ATen/Parallel.h>

namespace lvm {

namespace {

OptimizerOptions read_optimizer(Napi::Object o) {
  const auto number = [&](const char* key) { return real(o.Get(key), key); };
  return {number("weightDecay"),
          number("beta1"),
          number("beta2"),
          number("eps"),
          number("clip"),
          number("ema"),
          o.Get("emaWarmup").ToBoolean().Value(),
          uint64_t(integer(o.Get("seed"), "seed"))};
}

// Unless given, steps on the CPU run on the host; on CUDA they are recorded in a graph.
Steps read_steps(Napi::Value value, torch::Device device) {
  if (value.IsUndefined()) return device.is_cpu() ? Steps::host : device.is_cuda() ? Steps::graph : Steps::device;
  const auto name = text(value, "steps");
  if (name != "host" && name != "device" && name != "graph")
    throw Error("BAD_ARGUMENT", "training: expected host, device or graph for \"steps\" but received \"" + name + "\"");
  return name == "host" ? Steps::host : name == "device" ? Steps::device : Steps::graph;
}

std::map<std::string, double> read_scales(Napi::Value value) {
  std::map<std::string, double> scales;
  if (!value.IsObject()) return scales;
  const auto o = value.As<Napi::Object>();
  const auto names = o.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) scales[text(names.Get(i), "name")] = real(o.Get(names.Get(i)), "factor");
  return scales;
}

// trainer(model, samples, ids, {batch, accumulate, vectors?, groups?, loss, bf16, sequence, recompute, keepZeros, buffer?, seed,
// weightDecay, beta1, beta2, eps, clip, ema, emaWarmup, threads, steps?, lrScales?: {name: factor}, contrastive?: {weight,
// errorScale, negatives}, ranks?, shareState?}) -> Promise<handle>
Napi::Value trainer(const Napi::CallbackInfo& info) {
  const auto o = info[3].As<Napi::Object>();
  const auto with = o.Get("contrastive").IsObject();
  const auto contrastive = with ? o.Get("contrastive").As<Napi::Object>() : Napi::Object::New(info.Env());
  const auto grouped = o.Get("groups").IsNumber();
  const TrainerOptions options{
    positive(o.Get("batch"), "batch"),
    o.Get("vectors").IsNumber() ? positive(o.Get("vectors"), "vectors") : 0,
    positive(o.Get("accumulate"), "accumulate") * positive(o.Get(grouped ? "groups" : "batch"), "batch"),
    text(o.Get("loss"), "loss") == "cosine" ? Loss::cosine : Loss::mse,
    o.Get("bf16").ToBoolean().Value(),
    o.Get("sequence").ToBoolean().Value(),
    o.Get("recompute").ToBoolean().Value(),
    o.Get("keepZeros").ToBoolean().Value(),
    o.Get("buffer").IsNumber() ? positive(o.Get("buffer"), "buffer") : 0,
    uint64_t(integer(o.Get("seed"), "seed")),
    o.Get("threads").IsNumber() ? positive(o.Get("threads"), "threads") : 0,
    read_optimizer(o),
    with ? real(contrastive.Get("weight"), "weight") : 0,
    with ? real(contrastive.Get("errorScale"), "errorScale") : 1,
    with ? positive(contrastive.Get("negatives"), "negatives") : 0,
    read_steps(o.Get("steps"), take<Model>(info[0])->placement.device),
    read_scales(o.Get("lrScales")),
    o.Get("shareState").ToBoolean().Value()};
  return run_async(
    info.Env(),
    [model = take<Model>(info[0]), samples = take<Samples>(info[1]), windows = ids(info[2]), options,
     ranks = o.Get("ranks").IsObject() ? take<Ranks>(o.Get("ranks")) : nullptr] {
      return std::make_shared<Trainer>(model, samples, windows, options, ranks);
    },
    [](Napi::Env env, std::shared_ptr<Trainer> trainer) -> Napi::Value {
      const auto bytes = trainer->model->bytes() * 3;
      return give(env, std::move(trainer), bytes);
    });
}

// trainerRun(trainer, epoch, from, rates: Float64Array) -> Promise<steps made>
Napi::Value trainer_run(const Napi::CallbackInfo& info) {
  const auto trainer = take<Trainer>(info[0]);
  const auto from = integer(info[2], "from"), steps = trainer->steps_per_epoch();
  const auto rates = reals(info[3]);
  if (from < 0 || from + int64_t(rates.size()) > steps) {
    throw Error("BAD_ARGUMENT", "training: expected steps from 0 to " + std::to_string(steps) + " but received " +
                                  std::to_string(rates.size()) + " from step " + std::to_string(from) + " on");
  }
  auto& here = environment(info.Env());
  return here.lane.run(
    info.Env(),
    [trainer, epoch = integer(info[1], "epoch"), from, rates, &here] {
      // Small steps are faster on one thread, which does not wait for threads that other load delays.
      const auto own_threads = [threads = trainer->options.threads] {
        if (threads > 0) at::set_num_threads(int(threads));
      };
      own_threads();
      return trainer->run(epoch, from, rates, [&here, &own_threads] {
        here.lane.serve();  // a prediction during training waits for one step
        own_threads();
        return !here.stop;
      });
    },
    [](Napi::Env env, int64_t made) { return Napi::Number::New(env, double(made)); }, true);
}

Napi::Value trainer_stop(const Napi::CallbackInfo& info) {
  take<Trainer>(info[0])->stop = true;
  return info.Env().Undefined();
}

// trainerPause(trainer): all ranks end their run after the same step
Napi::Value trainer_pause(const Napi::CallbackInfo& info) {
  take<Trainer>(info[0])->pause = true;
  return info.Env().Undefined();
}

// trainerProgress(trainer) -> {steps, windows, loss, stopped, paused}, during a run
Napi::Value trainer_progress(const Napi::CallbackInfo& info) {
  const auto trainer = take<Trainer>(info[0]);
  auto object = Napi::Object::New(info.Env());
  object.Set("steps", double(trainer->done));
  object.Set("windows", double(trainer->windows_done));
  object.Set("loss", trainer->mean_loss.load());
  object.Set("stopped", trainer->stopped.load());
  object.Set("paused", trainer->paused.load());
  return object;
}

Napi::Value trainer_steps_per_epoch(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), double(take<Trainer>(info[0])->steps_per_epoch()));
}

// trainerSteps(trainer) -> {where: 'host' | 'device' | 'graph', why}
Napi::Value trainer_steps(const Napi::CallbackInfo& info) {
  const auto plan = take<Trainer>(info[0])->steps();
  auto object = Napi::Object::New(info.Env());
  object.Set("where", plan.steps == Steps::graph ? "graph" : plan.steps == Steps::device ? "device" : "host");
  object.Set("why", plan.why);
  return object;
}

// trainerSums(trainer) reads the sums of the epoch so far; trainerSums(trainer, {…}) sets them
Napi::Value trainer_sums(const Napi::CallbackInfo& info) {
  auto& sums = take<Trainer>(info[0])->sums;
  if (info[1].IsObject()) {
    const auto o = info[1].As<Napi::Object>();
    sums = {real(o.Get("loss"), "loss"), real(o.Get("gradNorm"), "gradNorm"), integer(o.Get("windows"), "windows"),
            integer(o.Get("steps"), "steps")};
  }
  auto object = Napi::Object::New(info.Env());
  object.Set("loss", sums.loss);
  object.Set("gradNorm", sums.grad_norm);
  object.Set("windows", double(sums.windows));
  object.Set("steps", double(sums.steps));
  return object;
}

// trainerTemperature(trainer) reads the temperature of the contrastive loss and its moments; with {…} it sets them
Napi::Value trainer_temperature(const Napi::CallbackInfo& info) {
  auto& temperature = take<Trainer>(info[0])->temperature;
  if (info[1].IsObject()) {
    const auto o = info[1].As<Napi::Object>();
    temperature.log = real(o.Get("log"), "log");
    temperature.m = real(o.Get("m"), "m");
    temperature.v = real(o.Get("v"), "v");
  }
  auto object = Napi::Object::New(info.Env());
  object.Set("log", temperature.log);
  object.Set("m", temperature.m);
  object.Set("v", temperature.v);
  return object;
}

Napi::Value dispose(const Napi::CallbackInfo& info) {
  if (const auto* trainer = box_of<Trainer>(info[0]); trainer && trainer->thing) trainer->thing->stop = true;
  if (!(dispose_if<Cell>(info[0]) || dispose_if<at::Generator>(info[0]) || dispose_whole_if<Model>(info[0]) ||
        dispose_if<Samples>(info[0]) || dispose_if<Stepper>(info[0]) || dispose_if<Ranks>(info[0]) ||
        dispose_whole_if<Trainer>(info[0]))) {
    throw Error("BAD_ARGUMENT", "dispose: expected a handle of lvm-torch");
  }
  return info.Env().Undefined();
}

}  // namespace

void export_training(Napi::Object exports) {
  export_function<trainer>(exports, "trainer");
  export_function<trainer_run>(exports, "trainerRun");
  export_function<trainer_stop>(exports, "trainerStop");
  export_function<trainer_progress>(exports, "trainerProgress");
  export_function<trainer_steps_per_epoch>(exports, "trainerStepsPerEpoch");
  export_function<trainer_steps>(exports, "trainerSteps");
  export_function<trainer_sums>(exports, "trainerSums");
  export_function<trainer_temperature>(exports, "trainerTemperature");
  export_function<trainer_pause>(exports, "trainerPause");
  export_function<dispose>(exports, "dispose");
}

}  // namespace lvm
