/** An invented shop: small, and something on every page. */
export const demoEmail = 'owner@demo.olympus.test';

const price = (amount: string) => ({ amount, currency: 'GBP' });
const product = (sku: string, name: string, [amount, stock]: [amount: string, stock?: number]) => ({
  sku,
  name,
  price: price(amount),
  ...(stock === undefined ? {} : { stock }),
});

export const catalogue = [
  product('COF-250', 'Harbour blend coffee, 250 g', ['8.50', 140]),
  product('COF-1K', 'Harbour blend coffee, 1 kg', ['29.00', 60]),
  product('COF-DEC', 'Decaf coffee, 250 g', ['8.90', 45]),
  product('TEA-BRK', 'Breakfast tea, 80 bags', ['4.75', 210]),
  product('TEA-SMK', 'Smoked tea, loose, 100 g', ['6.40', 38]),
  product('MUG-RED', 'Stoneware mug, red', ['11.95', 72]),
  product('MUG-BLU', 'Stoneware mug, blue', ['11.95', 9]),
  product('PLT-OVL', 'Oval plate, 28 cm', ['16.50', 34]),
  product('BWL-SML', 'Small bowl', ['7.25', 120]),
  product('SPN-OLV', 'Olive wood spoon', ['5.60', 85]),
  product('BRD-CUT', 'Cutting board, ash', ['34.00', 17]),
  product('CND-BEE', 'Beeswax candle', ['3.20', 300]),
  product('SOA-LAV', 'Lavender soap', ['4.10', 156]),
  product('SOA-SEA', 'Sea salt soap', ['4.10', 3]),
  product('TWL-LIN', 'Linen towel', ['14.80', 41]),
  product('APR-BLU', 'Apron, indigo', ['24.50', 22]),
  product('CHU-QNC', 'Quince chutney', ['5.25', 64]),
  product('HON-HEA', 'Heather honey, 340 g', ['9.80', 27]),
  product('CRD-BDY', 'Birthday card', ['2.15']),
  product('CRD-THX', 'Thank-you card', ['2.15']),
  product('BAG-PAP', 'Paper bag', ['0.045']),
  product('BAG-TOT', 'Tote bag', ['7.90', 58]),
  product('GFT-WRP', 'Gift wrapping', ['1.50']),
  product('DLV-LOC', 'Local delivery', ['3.95']),
];

const names = [
  'Aoife Byrne',
  'Bao Tran',
  'Carmen Ruiz',
  'Dilan Kaya',
  'Elin Berg',
  'Farid Haddad',
  'Greta Vogel',
  'Hamish Reid',
  'Ines Costa',
  'Jonas Lind',
  'Kofi Mensah',
  'Lena Novak',
  'Mirela Pop',
  'Noor Aziz',
  'Oskar Holm',
  'Priya Nair',
  'Quentin Roy',
  'Rosa Bianchi',
  'Sven Dahl',
  'Tamsin Hale',
];
const countries = ['United Kingdom', 'United Kingdom', 'United Kingdom', 'Ireland', 'France', 'Germany', 'Norway'];
export const people = names.map((name, index) => ({
  code: `H${1001 + index}`,
  name,
  email: `${name.toLowerCase().replace(/[^a-z]+/g, '.')}@example.com`,
  country: countries[index % countries.length] ?? 'United Kingdom',
}));

/** Some 300 orders of the last 90 days as an import's CSV: busier at weekends, a few returns, the same on every machine. */
export function inventOrders(now: Date): string {
  const random = lehmer(20_101_201);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const lines = ['number,kind,sku,description,quantity,placedAt,unitPrice,customer,country'];
  let number = 1;
  for (let daysAgo = 90; daysAgo > 0; daysAgo--) {
    const day = new Date(now.getTime() - daysAgo * 86_400_000);
    const weekend = [0, 6].includes(day.getUTCDay());
    const orders = (weekend ? 4 : 2) + Math.floor(random() * 3);
    for (let order = 0; order < orders; order++) {
      const person = random() < 0.75 ? pick(people) : null;
      const refund = random() < 0.04;
      const placedAt = `${day.toISOString().slice(0, 10)}T${String(9 + Math.floor(random() * 9)).padStart(2, '0')}:${String(Math.floor(random() * 60)).padStart(2, '0')}`;
      const id = `${refund ? 'R' : 'H'}${String(number++).padStart(5, '0')}`;
      for (let line = 1 + Math.floor(random() * 4); line > 0; line--) {
        const { sku, name, price } = pick(catalogue);
        const quantity = (refund ? -1 : 1) * (1 + Math.floor(random() * 4));
        lines.push(
          [
            id,
            refund ? 'return' : 'sale',
            sku,
            `"${name}"`,
            quantity,
            placedAt,
            price.amount,
            person?.code ?? '',
            person?.country ?? 'United Kingdom',
          ].join(','),
        );
      }
    }
  }
  return lines.join('\n');
}

/** Park and Miller's minimal standard generator (CACM 31(10), 1988): numbers in [0, 1) that repeat for a seed. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
