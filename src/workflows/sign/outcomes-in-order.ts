/**
 * What runs side by side, told in its order: each as soon as it and all before it have ended. Nothing is left running behind.
 *
 * @throws whatever one of them rejects with, or `onOutcome` throws, when all have ended
 */
export async function outcomesInOrder<Outcome>(
  running: readonly Promise<Outcome>[],
  onOutcome: ((outcome: Outcome) => void) | undefined,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    for (const ending of running) {
      const outcome = await ending;
      onOutcome?.(outcome);
      outcomes.push(outcome);
    }
  } finally {
    await Promise.allSettled(running);
  }
  return outcomes;
}
