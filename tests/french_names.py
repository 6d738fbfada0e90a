"""French "de" before names of banks and of territories, as it is written."""

# By how the name is read aloud. Letters that are spelled out elide nothing before a consonant, as in print.
_NAMES = """
EAZYCard: d’EAZYCard | BICEC: de BICEC | Afriland First Bank: d’Afriland First Bank | UBA: d’UBA | Ecobank: d’Ecobank
Orabank: d’Orabank | Access Bank: d’Access Bank | UNICS: d’UNICS | Express Union: d’Express Union | iBank: d’iBank
Société Générale: de Société Générale | Banque Atlantique: de Banque Atlantique | Crédit Mutuel: de Crédit Mutuel
Épargne Plus: d’Épargne Plus | Œuvre bancaire: d’Œuvre bancaire | Æquitas: d’Æquitas | États: d’États
Le Crédit Lyonnais: du Crédit Lyonnais | Les Caisses: des Caisses | La Banque Postale: de La Banque Postale
L’Africaine de crédit: de L’Africaine de crédit | L'Union: de L'Union | Le: de Le | Lesieur: de Lesieur
BGFI: de BGFI | SGC: de SGC | LCL: de LCL | MTN: de MTN | NFC Bank: de NFC Bank | RawBank: de RawBank | HSBC: de HSBC
Onze Bank: de Onze Bank | Oui Bank: de Oui Bank | Oney: d’Oney | One Bank: de One Bank | 1ère Banque: de 1ère Banque
8 Mai: de 8 Mai | 11e Heure: de 11e Heure | United Bank for Africa: de United Bank for Africa | Union Bank: d’Union Bank
Unity Bank: de Unity Bank | Yoomee: de Yoomee | Yes Bank: de Yes Bank | Yvelines Crédit: d’Yvelines Crédit | Y: de Y
Yonne Épargne: d’Yonne Épargne | York Bank: d’York Bank | Wafacash: de Wafacash | Wave: de Wave
Habib Bank: de Habib Bank | Handelsbanken: de Handelsbanken | Hope Finance: de Hope Finance | Holding 1: de Holding 1
Habitat Crédit: d’Habitat Crédit | Hôtellerie Bank: d’Hôtellerie Bank | Harmonie: d’Harmonie | Hexagone: d’Hexagone
Hermès: d’Hermès | Héritage: d’Héritage | Humaniste: d’Humaniste | Hydro Bank: d’Hydro Bank
Hauts-de-Seine: de Hauts-de-Seine | Hollande: de Hollande | Huit: de Huit | Havre: de Havre | Héros: de Héros
«Atlantique»: d’«Atlantique» | "Union": d’"Union" | Банк: de Банк | 銀行: de 銀行 | &Co: de &Co
"""
BANKS = dict(pair.split(": ", 1) for line in _NAMES.strip().splitlines() for pair in line.split(" | "))

# Every territory of a time zone, and every country.
_TERRITORIES = """
AC de l’île de l’Ascension; AD d’Andorre; AE des Émirats arabes unis; AF d’Afghanistan; AG d’Antigua-et-Barbuda
AI d’Anguilla; AL d’Albanie; AM d’Arménie; AO d’Angola; AQ d’Antarctique; AR d’Argentine; AS des Samoa américaines
AT d’Autriche; AU d’Australie; AW d’Aruba; AX des îles Åland; AZ d’Azerbaïdjan; BA de Bosnie-Herzégovine
BB de la Barbade; BD du Bangladesh; BE de Belgique; BF du Burkina Faso; BG de Bulgarie; BH de Bahreïn; BI du Burundi
BJ du Bénin; BL de Saint-Barthélemy; BM des Bermudes; BN de Brunei; BO de Bolivie; BQ des Pays-Bas caribéens
BR du Brésil; BS des Bahamas; BT du Bhoutan; BV de l’île Bouvet; BW du Botswana; BY de Biélorussie; BZ du Belize
CA du Canada; CC des îles Cocos; CD du Congo-Kinshasa; CF de la République centrafricaine; CG du Congo-Brazzaville
CH de Suisse; CI de Côte d’Ivoire; CK des îles Cook; CL du Chili; CM du Cameroun; CN de Chine; CO de Colombie
CR du Costa Rica; CU de Cuba; CV du Cap-Vert; CW de Curaçao; CX de l’île Christmas; CY de Chypre; CZ de Tchéquie
DE d’Allemagne; DG de Diego Garcia; DJ de Djibouti; DK du Danemark; DM de la Dominique; DO de la République dominicaine
DZ d’Algérie; EA de Ceuta et Melilla; EC d’Équateur; EE d’Estonie; EG d’Égypte; EH du Sahara occidental; ER d’Érythrée
ES d’Espagne; ET d’Éthiopie; FI de Finlande; FJ des Fidji; FK des îles Malouines; FM de Micronésie; FO des îles Féroé
FR de France; GA du Gabon; GB du Royaume-Uni; GD de la Grenade; GE de Géorgie; GF de Guyane française; GG de Guernesey
GH du Ghana; GI de Gibraltar; GL du Groenland; GM de Gambie; GN de Guinée; GP de la Guadeloupe; GQ de Guinée équatoriale
GR de Grèce; GS de Géorgie du Sud-et-les Îles Sandwich du Sud; GT du Guatemala; GU de Guam; GW de Guinée-Bissau
GY du Guyana; HM des îles Heard-et-MacDonald; HN du Honduras; HR de Croatie; HT d’Haïti; HU de Hongrie
IC des îles Canaries; ID d’Indonésie; IE d’Irlande; IL d’Israël; IM de l’île de Man; IN d’Inde
IO du territoire britannique de l’océan Indien; IQ d’Irak; IR d’Iran; IS d’Islande; IT d’Italie; JE de Jersey
JM de la Jamaïque; JO de Jordanie; JP du Japon; KE du Kenya; KG du Kirghizstan; KH du Cambodge; KI de Kiribati
KM des Comores; KN de Saint-Christophe-et-Niévès; KP de Corée du Nord; KR de Corée du Sud; KW du Koweït
KY des îles Caïmans; KZ du Kazakhstan; LA du Laos; LB du Liban; LC de Sainte-Lucie; LI du Liechtenstein; LK de Sri Lanka
LR du Liberia; LS du Lesotho; LT de Lituanie; LU du Luxembourg; LV de Lettonie; LY de Libye; MA du Maroc; MC de Monaco
MD de Moldavie; ME du Monténégro; MF de Saint-Martin; MG de Madagascar; MH des îles Marshall; MK de Macédoine du Nord
ML du Mali; MM du Myanmar (Birmanie); MN de Mongolie; MP des îles Mariannes du Nord; MQ de la Martinique
MR de Mauritanie; MS de Montserrat; MT de Malte; MU de Maurice; MV des Maldives; MW du Malawi; MX du Mexique
MY de Malaisie; MZ du Mozambique; NA de Namibie; NC de Nouvelle-Calédonie; NE du Niger; NF de l’île Norfolk
NG du Nigeria; NI du Nicaragua; NL des Pays-Bas; NO de Norvège; NP du Népal; NR de Nauru; NU de Niue
NZ de Nouvelle-Zélande; OM d’Oman; PA du Panama; PE du Pérou; PF de Polynésie française; PG de Papouasie-Nouvelle-Guinée
PH des Philippines; PK du Pakistan; PL de Pologne; PM de Saint-Pierre-et-Miquelon; PN des îles Pitcairn
PR de Porto Rico; PS des territoires palestiniens; PT du Portugal; PW des Palaos; PY du Paraguay; QA du Qatar
RE de la Réunion; RO de Roumanie; RS de Serbie; RU de Russie; RW du Rwanda; SA d’Arabie saoudite; SB des îles Salomon
SC des Seychelles; SD du Soudan; SE de Suède; SG de Singapour; SH de Sainte-Hélène; SI de Slovénie
SJ du Svalbard et Jan Mayen; SK de Slovaquie; SL de Sierra Leone; SM de Saint-Marin; SN du Sénégal; SO de Somalie
SR du Suriname; SS du Soudan du Sud; ST de Sao Tomé-et-Principe; SV du Salvador
SX de Saint-Martin (partie néerlandaise)
SY de Syrie; SZ d’Eswatini; TA de Tristan da Cunha; TC des îles Turques-et-Caïques; TD du Tchad
TF des terres australes françaises; TG du Togo; TH de Thaïlande; TJ du Tadjikistan; TK de Tokelau; TL du Timor oriental
TM du Turkménistan; TN de Tunisie; TO de Tonga; TR de Turquie; TT de Trinité-et-Tobago; TV de Tuvalu; TW de Taïwan
TZ de Tanzanie; UA d’Ukraine; UG d’Ouganda; UM des îles mineures éloignées des États-Unis; US des États-Unis
UY d’Uruguay; UZ d’Ouzbékistan; VC de Saint-Vincent-et-les Grenadines; VE du Venezuela; VG des îles Vierges britanniques
VI des îles Vierges des États-Unis; VN du Viêt Nam; VU du Vanuatu; WF de Wallis-et-Futuna; WS de Samoa; XK du Kosovo
YE du Yémen; YT de Mayotte; ZA d’Afrique du Sud; ZM de Zambie; ZW du Zimbabwe
"""
TERRITORIES = dict(pair.split(" ", 1) for line in _TERRITORIES.strip().splitlines() for pair in line.split("; "))
