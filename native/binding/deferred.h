#pragma once
#include "convert.h"

namespace lvm {

using Cells = std::vector<std::shared_ptr<Cell>>;

// Number of a call in its environment, and which gradients it records.
struct CallFacts {
  double number;
  bool gradients;      // false inside noGrad()
  bool requires_grad;  // the results require a gradient
};
CallFacts call_facts(Napi::Value flags, Napi::Value number);

// A call whose results JavaScript has before they are computed: handles of cells that the lane fills. An error stays in the cells
// and passes on to what is computed from them.
class DeferredCall final : public Lane::Job {
 public:
  using Compute = std::function<std::vector<Tensor>()>;
  // `compute` runs on the lane and returns a tensor for each output; `owner` begins the messages of libtorch's errors.
  DeferredCall(Napi::Env env, std::string owner, CallFacts facts, Compute compute);
  void execute() override;
  void fail(std::exception_ptr given) override { error = given; }
  void finish() override;

  Cells outputs;
  std::shared_ptr<Cell> changed;  // by a call in place, which has no outputs

 private:
  const std::string owner;
  const CallFacts facts;
  Compute compute;
  Calls& calls;
  std::exception_ptr error;
  std::vector<Tensor> results;
};

// Queues a call with this many results, and returns the handle of one, or a list.
Napi::Value post_call(Napi::Env env, std::string owner, CallFacts facts, size_t count, DeferredCall::Compute compute);
// Queues a call that changes a tensor in place.
Napi::Value post_change(Napi::Env env, std::string owner, CallFacts facts, std::shared_ptr<Cell> changed,
                        DeferredCall::Compute compute);
// Turns libtorch's error into BAD_ARGUMENT, as a CallFailure.
std::exception_ptr refused(const std::string& owner, const CallFacts& facts, std::exception_ptr error);

// Runs work on the lane and waits for its result.
template <typename Work>
auto wait_for(Napi::Env env, const std::string& owner, CallFacts facts, Work work) {
  using Result = std::invoke_result_t<Work>;
  struct Outcome {
    std::optional<Result> result;
    std::exception_ptr error;
    std::atomic<bool> done = false;
  };
  struct Awaited final : Lane::Job {
    Awaited(Work work, std::shared_ptr<Outcome> outcome, bool gradients)
        : work(std::move(work)), outcome(std::move(outcome)), gradients(gradients) {}
    void execute() override {
      const at::AutoGradMode mode(gradients);
      outcome->result = work();
    }
    void fail(std::exception_ptr given) override { outcome->error = given; }
    void finish() override { outcome->done = true; }
    Work work;
    const std::shared_ptr<Outcome> outcome;
    const bool gradients;
  };
  const auto outcome = std::make_shared<Outcome>();
  auto& lane = environment(env).lane;
  lane.post(std::make_unique<Awaited>(std::move(work), outcome, facts.gradients));
  lane.wait([&] { return outcome->done.load(); });
  if (outcome->error) std::rethrow_exception(refused(owner, facts, outcome->error));
  return std::move(*outcome->result);
}

}  // namespace lvm
