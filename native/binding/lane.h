#pragma once
#include "../kernels/multiply.h"
#include "cell.h"
#include "errors.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace lvm {

// Settings of a job, taken when it is requested, so that models with other settings do not affect it.
struct Settings {
  int threads;
  Multiplier multiplier;
};

// A thread that runs jobs in order; their promises settle on the JS thread. All tensor work of an environment, training included,
// runs on its one lane. Every thread that enters OpenMP gets its own team; with more team threads than processors libgomp sleeps
// at every barrier, which costs a tenth of a training step.
class Lane {
 public:
  // `on_stop` is called before the thread is joined, so that long jobs can end early.
  explicit Lane(Napi::Env env, std::function<void()> on_stop = [] {});
  ~Lane();
  Lane(const Lane&) = delete;

  // Runs `work`, which must not use Napi types, then settles the promise with wrap(env, result) on the JS thread. A
  // `long_running` job calls serve() regularly.
  template <typename Work, typename Wrap>
  Napi::Promise run(Napi::Env env, Work work, Wrap wrap, bool long_running = false) {
    using Result = std::invoke_result_t<Work>;
    struct Typed final : Promised {
      Typed(Napi::Env env, Work work, Wrap wrap) : Promised(env), work(std::move(work)), wrap(std::move(wrap)) {}
      void execute() override { result = (*work)(); }
      Napi::Value give(Napi::Env env) override { return (*wrap)(env, std::move(*result)); }
      void drop() override { work.reset(), wrap.reset(), result.reset(); }
      std::optional<Work> work;
      std::optional<Wrap> wrap;
      std::optional<Result> result;
    };
    auto job = std::make_unique<Typed>(env, std::move(work), std::move(wrap));
    job->long_running = long_running;
    const auto promise = job->promise.Promise();
    push(env, std::move(job));
    return promise;
  }

  // A job without a promise: whoever needs its result waits for it.
  struct Job {
    Job();
    virtual ~Job() = default;
    virtual void execute() = 0;
    virtual void fail(std::exception_ptr error) = 0;
    virtual void finish() {}  // comes last, also after fail()
    virtual bool promised() const { return false; }
    const Settings settings;
    bool long_running = false;
  };
  // Queues a job. The thread wakes for many jobs at once, or for flush(), as waking it takes longer than a small job. Waits while
  // the queue is long, so that a loop that only queues does not fill the memory.
  void post(std::unique_ptr<Job> job);
  void flush();
  // Blocks the JS thread until `ready`, which a job of this lane makes true, or until the time is up. Returns whether it is
  // ready.
  bool wait(const std::function<bool()>& ready, std::optional<std::chrono::milliseconds> limit = std::nullopt);

  // Runs waiting short jobs; called inside a long one.
  void serve();

 private:
  struct Promised : Job {
    explicit Promised(Napi::Env env) : promise(env) {}
    void fail(std::exception_ptr error) override { failure = error; }
    bool promised() const override { return true; }
    virtual Napi::Value give(Napi::Env env) = 0;
    virtual void drop() = 0;
    Napi::Promise::Deferred promise;
    std::exception_ptr failure;
  };

  void push(Napi::Env env, std::unique_ptr<Job> job);
  void queue(std::unique_ptr<Job> job);
  void loop();
  void execute(std::unique_ptr<Job> job);
  const Settings* current = nullptr;  // of the running job, which may serve others
  void close();
  static void settle(napi_env env, napi_value, void* lane, void* job);
  static void at_exit(void* lane) { static_cast<Lane*>(lane)->close(); }
  friend void leave(int code);

  napi_env env;
  std::function<void()> on_stop;
  napi_threadsafe_function deliver = nullptr;
  size_t unsettled = 0;  // used on the JS thread only
  std::mutex mutex;
  std::condition_variable wake, finished;
  std::atomic<int> waiting = 0;    // whether the JS thread waits for `finished`
  std::atomic<size_t> queued = 0;  // posted jobs that have not run
  size_t unannounced = 0;          // posted since the thread was woken; used on the JS thread only
  std::deque<std::unique_ptr<Job>> jobs;
  bool closing = false;
  std::thread thread;
};

// State of an environment (main thread or worker); nothing is static.
struct Environment {
  explicit Environment(Napi::Env env) : lane(env, [this] { stop = true; }) {}
  std::atomic<bool> stop = false;  // set when the environment shuts down
  Calls calls;
  Lane lane;
};
inline Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

template <typename Work, typename Wrap>
Napi::Promise run_async(Napi::Env env, Work work, Wrap wrap) {
  return environment(env).lane.run(env, std::move(work), std::move(wrap));
}

// For process.exit(), which runs no cleanup hooks: libtorch must not be unloaded while work runs. Tells all work to stop, and
// ends the process with this code if it has not stopped after a second.
void leave(int code);

// Settings of jobs that this JS thread requests from now on.
Settings wanted_settings();
void want_threads(int n);
void want_multiplier(Multiplier kind);

}  // namespace lvm
