#pragma once
#include "../data/samples.h"
#include "../model/predictor-model.h"
#include "device-graph.h"
#include "trainer-options.h"

namespace lvm {

struct StepsPlan {
  Steps steps;
  std::string why;  // it is not more; empty if it is as much as asked for
};
// `ordinary`: contexts of one length, and neither negatives nor groups.
StepsPlan steps_plan(const Model& model, const Samples& samples, const TrainerOptions& options, bool ordinary);

// Optimizer steps that are queued on a device one after the other. Vectors, windows, optimizer state and losses stay there, and
// nothing waits until `settle`.
class DeviceSteps {
 public:
  DeviceSteps(std::shared_ptr<Model> model, std::shared_ptr<Samples> samples, Optimizer& optimizer, const TrainerOptions& options,
              bool recorded);

  // Moves the windows of an epoch to the device, in the order of its steps.
  void begin(const Tensor& windows);
  // Queues a step over `count` of these windows from `from` on.
  void add(int64_t from, int64_t count, double lr);
  bool full() const;

  struct Result {
    double loss, norm;
  };
  // Waits for the queued steps. Every weight is as before the first step that is not finite.
  std::vector<Result> settle();

  std::string failure;                           // of the recording; empty if there was none
  std::vector<std::pair<Tensor, Tensor>> zeros;  // matrices or averages, and masks of their zeros

 private:
  void seed(uint64_t step, uint64_t call) const;
  void record();
  Samples::Batch gathered(const Tensor& part) const;
  Tensor backward(const Tensor& part, double share, uint64_t call_base);
  void compute(const Tensor& part);

  const std::shared_ptr<Model> model;
  Optimizer& optimizer;
  const TrainerOptions& options;
  const torch::Device device;
  bool recorded;
  const bool one_table;
  const int64_t context;
  Tensor vectors, targets, first, target, offsets;  // on the device
  Tensor windows;                                   // of the epoch
  Tensor here, result, results;                     // inputs and results of a recorded step; results of the queued ones
  int64_t waiting = 0, most = 1, made = 0;
  std::chrono::steady_clock::time_point since;
  std::unique_ptr<DeviceGraph> graph;
};

// Mean loss of a batch, as a scalar tensor.
// Shapes: raw [..., dim], target [..., dim]
Tensor loss_of(const Tensor& raw, const Tensor& target, Loss loss, bool unit);
// Errors: BAD_OPTION for a loss that depends on no parameter that is trained
void backward_of(const Tensor& loss);

}  // namespace lvm
