// A real Vendure for the tests with peers: in memory, with a few products, and the one plugin that any shop would write
// to be heard outside: it signs what becomes of an order and posts it. Vendure has no webhooks of its own.
//
// Run in the folder that `.ci/peers` installs it into. Environment: PORT; PASSWORD of its owner; WEBHOOK_URL_FILE, a file with the address to
// post to, read at every try; WEBHOOK_SECRET; PRODUCTS, a JSON list of {sku, name, price, stock}, price in minor units.

const crypto = require('node:crypto');
const fs = require('node:fs');
// What it needs lies beside where it is run, and not beside this file.
const own = require('node:module').createRequire(`${process.cwd()}/package.json`);
const core = own('@vendure/core');
const { populateInitialData } = own('@vendure/core/cli');

const { PORT, PASSWORD, WEBHOOK_URL_FILE, WEBHOOK_SECRET, PRODUCTS } = process.env;

class BackroomWebhook {
    constructor(eventBus, jobQueueService, orderService, requestContextService) {
        Object.assign(this, { eventBus, jobQueueService, orderService, requestContextService });
    }

    async onApplicationBootstrap() {
        this.queue = await this.jobQueueService.createQueue({
            name: 'backroom-webhook',
            process: job => this.post(job.data.type, job.data.orderId),
        });
        const later = (type, order) => this.queue.add({ type, orderId: order.id }, { retries: 300 });
        this.eventBus.ofType(core.OrderPlacedEvent).subscribe(event => later('order.placed', event.order));
        this.eventBus.ofType(core.OrderStateTransitionEvent).subscribe(event => {
            if (event.toState === 'Cancelled') later('order.cancelled', event.order);
        });
    }

    async post(type, orderId) {
        const ctx = await this.requestContextService.create({ apiType: 'admin' });
        const relations = ['lines', 'lines.productVariant', 'customer', 'shippingLines.shippingMethod', 'surcharges'];
        const order = await this.orderService.findOne(ctx, orderId, relations);
        const body = JSON.stringify({ type, order: shown(order) });
        const signature = crypto.createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
        const answer = await fetch(fs.readFileSync(WEBHOOK_URL_FILE, 'utf8').trim(), {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-Shop-Signature': `sha256=${signature}` },
            body,
        });
        if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}`);
    }
}

// By the names of Vendure's own GraphQL API, so that one mapping reads both.
function shown(order) {
    const { id, code, state, orderPlacedAt, updatedAt, currencyCode, totalWithTax, shippingWithTax } = order;
    return {
        ...{ id, code, state, orderPlacedAt, updatedAt, currencyCode, totalWithTax, shippingWithTax },
        surcharges: order.surcharges.map(({ priceWithTax }) => ({ priceWithTax })),
        customer: order.customer && { emailAddress: order.customer.emailAddress },
        shippingAddress: order.shippingAddress,
        shippingLines: order.shippingLines.map(line => ({ shippingMethod: { code: line.shippingMethod.code } })),
        lines: order.lines.map(line => ({
            ...{ id: line.id, quantity: line.quantity, unitPriceWithTax: line.unitPriceWithTax },
            proratedLinePriceWithTax: line.proratedLinePriceWithTax,
            productVariant: { sku: line.productVariant.sku, name: line.productVariant.name },
        })),
    };
}

core.VendurePlugin({ imports: [core.PluginCommonModule] })(BackroomWebhook);
Reflect.defineMetadata(
    'design:paramtypes',
    [core.EventBus, core.JobQueueService, core.OrderService, core.RequestContextService],
    BackroomWebhook,
);

const config = core.mergeConfig(core.defaultConfig, {
    apiOptions: { port: Number(PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        superadminCredentials: { identifier: 'owner', password: PASSWORD },
    },
    dbConnectionOptions: { type: 'sqljs', synchronize: true, logging: false },
    paymentOptions: { paymentMethodHandlers: [core.dummyPaymentHandler] },
    logger: new core.DefaultLogger({ level: core.LogLevel.Warn }),
    plugins: [BackroomWebhook],
});

const initialData = {
    defaultLanguage: core.LanguageCode.en,
    defaultZone: 'Europe',
    countries: [{ name: 'Germany', code: 'DE', zone: 'Europe' }],
    taxRates: [{ name: 'Standard', percentage: 19 }],
    shippingMethods: [{ name: 'Post', price: 490 }],
    paymentMethods: [
        { name: 'Card', handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] } },
    ],
    collections: [],
};

function csv(products) {
    const columns =
        'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets';
    const rows = products.map(
        ({ sku, name, price, stock }) =>
            `"${name}","${sku.toLowerCase()}","",,,,,"${sku}",${(price / 100).toFixed(2)},standard,${stock},true,,`,
    );
    return [columns, ...rows].join('\n');
}

async function main() {
    const app = await core.bootstrap(config);
    await populateInitialData(app, initialData);
    const channel = await app.get(core.ChannelService).getDefaultChannel();
    const asAdmin = await app.get(core.RequestContextService).create({ apiType: 'admin', channelOrToken: channel });
    // Prices as customers see them, as shops in Europe show them.
    await app.get(core.ChannelService).update(asAdmin, {
        id: channel.id,
        pricesIncludeTax: true,
        currencyCode: core.CurrencyCode.EUR,
        defaultCurrencyCode: core.CurrencyCode.EUR,
        availableCurrencyCodes: [core.CurrencyCode.EUR],
    });
    const ctx = await app.get(core.RequestContextService).create({ apiType: 'admin' });
    const imported = await app.get(core.Importer).parseAndImport(csv(JSON.parse(PRODUCTS)), ctx).toPromise();
    if (imported.errors?.length) throw new Error(imported.errors.join('; '));
    await app.get(core.JobQueueService).start();
    console.log('ready');
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
