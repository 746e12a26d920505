/**
 * UCI "Online Retail" (data set 352): what its 541,909 rows come to.
 * Chen, Sain and Guo, doi:10.1057/dbm.2012.17. Python, sqlite, DuckDB and awk agree on these figures.
 */
export const file = 'online-retail-dataset.csv.xz';
export const rows = 541_909;

export const summary = {
  revenue: '9747747.934',
  orders: 25_900,
  customers: 4372,
  products: 4070,
  countries: 38,
  units: 5_176_450,
};
export const ordersByKind = { sale: 22_061, return: 3836, adjustment: 3 };

export const months = {
  '2010-12': '748957.02',
  '2011-01': '560000.26',
  '2011-02': '498062.65',
  '2011-03': '683267.08',
  '2011-04': '493207.121',
  '2011-05': '723333.51',
  '2011-06': '691123.12',
  '2011-07': '681300.111',
  '2011-08': '682680.51',
  '2011-09': '1019687.622',
  '2011-10': '1070704.67',
  '2011-11': '1461756.25',
  '2011-12': '433668.01',
};
export const countries = {
  'United Kingdom': '8187806.364',
  Netherlands: '284661.54',
  EIRE: '263276.82',
  Germany: '221698.21',
  France: '197403.90',
  Australia: '137077.27',
  Switzerland: '56385.35',
  Spain: '54774.58',
  Belgium: '40910.96',
  Sweden: '36595.91',
};
export const products = {
  DOT: '206245.48',
  '22423': '164762.19',
  '47566': '98302.98',
  '85123A': '97894.50',
  '85099B': '92356.03',
  '23084': '66756.59',
  POST: '66230.64',
  '22086': '63791.94',
  '84879': '58959.73',
  '79321': '53768.06',
};

/** Of the rows themselves, as an export streams them out again. */
export const lines = {
  rows,
  revenue: '9747747.934',
  returns: { rows: 9288, revenue: '-896812.490' },
  negativeQuantity: 10_624,
  withoutCustomer: 135_080,
  withoutDescription: 1454,
  free: 2515,
  tenthOfAPenny: 4,
  sold: { rows: 530_104, invoices: 19_960, revenue: '10666684.544' },
  soldToKnown: { rows: 397_884, invoices: 18_532, customers: 4338, revenue: '8911407.904' },
};
