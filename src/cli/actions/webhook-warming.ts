import type { ClusterAccess } from '../../io/kubernetes/cluster-access.ts';
import type { Logger } from '../../servers/shell/logger.ts';
import { listRunningImages } from '../../servers/webhook/running-objects.ts';
import type { Webhook } from '../../servers/webhook/webhook.ts';

/** Whatever becomes of it, reviews are answered: with more requests than if it had succeeded. */
export async function warmWebhook(service: Webhook, cluster: ClusterAccess, logger: Logger): Promise<void> {
  try {
    const images = await service.warm(listRunningImages(cluster));
    logger.info({ images }, 'evidence about what runs was fetched');
  } catch (error) {
    logger.warn({ error }, 'evidence about what runs could not be fetched; it is when it is needed');
  }
}
