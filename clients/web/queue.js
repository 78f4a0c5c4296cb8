/** At most `limit` tasks at a time, in the order in which they came. */
export function createQueue(limit) {
  const waiting = [];
  let running = 0;

  function next() {
    if (running === limit || waiting.length === 0) return;
    running++;
    waiting.shift()().finally(() => { running--; next(); });
  }

  /** task: () => promise. Settles as the task does. */
  return function enqueue(task) {
    return new Promise((resolve, reject) => {
      waiting.push(() => Promise.resolve().then(task).then(resolve, reject));
      next();
    });
  };
}
